"""The few commands ``kubectl exec`` can run in a container, each with the output and exit code of the real command."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Sequence

from environments.sandbox.node.analyzer import COMMAND_NOT_FOUND
from environments.sandbox.node.programs import Container, image_name

STDOUT, STDERR = 1, 2
_MISUSE = 2
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL_SIGNS = frozenset("|&<>$`(){}*?!")

Write = Callable[[int, str], Awaitable[None]]
"""Takes the stream (1 or 2) and text."""


class Commands:
    """The commands of one running container."""

    def __init__(self, container: Container, write: Write) -> None:
        self._container, self._write = container, write
        self._known: dict[str, Callable[[list[str]], Awaitable[int]]] = {
            "hostname": self._hostname, "env": self._env, "ps": self._ps, "ls": self._ls, "cat": self._cat,
            "true": _ending_with(0), "false": _ending_with(1), "echo": self._echo, "sleep": self._sleep, "sh": self._sh,
        }  # fmt: skip

    async def run(self, words: Sequence[str]) -> int:
        """Run a command and return its exit code, 127 if the container does not have the command."""
        name, arguments = words[0], list(words[1:])
        command = self._known.get(name.removeprefix("/usr").removeprefix("/bin/"))
        if command is not None:
            return await command(arguments)
        runtime = "OCI runtime exec failed: exec failed: unable to start container process"
        why = f'exec: "{name}": executable file not found in $PATH: unknown'
        return await self._fail(f"{runtime}: {why}", COMMAND_NOT_FOUND)

    async def _fail(self, line: str, exit_code: int) -> int:
        await self._write(STDERR, f"{line}\n")
        return exit_code

    async def _unknown_option(self, name: str, arguments: Sequence[str]) -> int:
        return await self._fail(f"{name}: the sandbox knows no arguments {shlex.join(arguments)}", _MISUSE)

    async def _hostname(self, arguments: list[str]) -> int:
        return await self._print("hostname", arguments, f"{self._container.pod_name}\n")

    async def _env(self, arguments: list[str]) -> int:
        own = {"PATH": _PATH, "HOSTNAME": self._container.pod_name, **self._container.environment, "HOME": "/root"}
        return await self._print("env", arguments, "".join(f"{name}={value}\n" for name, value in own.items()))

    async def _print(self, name: str, arguments: list[str], text: str) -> int:
        """Print the text of a command that takes no arguments."""
        if arguments:
            return await self._unknown_option(name, arguments)
        await self._write(STDOUT, text)
        return 0

    async def _ps(self, arguments: list[str]) -> int:
        rows = [(1, self._command_line), (7, shlex.join(["ps", *arguments]))]
        lines = [f"{pid:5} root      0:00 {command}\n" for pid, command in rows]
        await self._write(STDOUT, "".join(["  PID USER     TIME  COMMAND\n", *lines]))
        return 0

    @property
    def _command_line(self) -> str:
        spec = self._container.spec
        words = [*spec.get("command", ()), *spec.get("args", ())]
        return " ".join(words) or str(image_name(spec["image"]))

    def _files(self) -> dict[str, Callable[[], str]]:
        """Return the readers of all files of the container by path."""
        log = self._container.log
        return {
            "/etc/hostname": lambda: f"{self._container.pod_name}\n",
            f"/var/log/{self._container.spec['name']}.log": log.read,
        }

    async def _ls(self, arguments: list[str]) -> int:
        if any(each.startswith("-") for each in arguments):
            return await self._unknown_option("ls", arguments)
        exit_code = 0
        for given in arguments or ["/"]:
            path = "/" + given.strip("/")
            below = {file.removeprefix(path.rstrip("/") + "/") for file in self._files() if file != path}
            names = sorted({each.partition("/")[0] for each in below if not each.startswith("/")})
            if path in self._files():
                names = [given]
            if not names:
                exit_code = await self._fail(f"ls: cannot access '{given}': No such file or directory", _MISUSE)
            await self._write(STDOUT, "".join(f"{name}\n" for name in names))
        return exit_code

    async def _cat(self, arguments: list[str]) -> int:
        if not arguments or any(each.startswith("-") for each in arguments):
            return await self._unknown_option("cat", arguments or ["(standard input)"])
        exit_code, files = 0, self._files()
        for path in arguments:
            if path in files:
                await self._write(STDOUT, files[path]())
            else:
                folder = any(each.startswith(path.rstrip("/") + "/") for each in files)
                why = "Is a directory" if folder else "No such file or directory"
                exit_code = await self._fail(f"cat: {path}: {why}", 1)
        return exit_code

    async def _echo(self, arguments: list[str]) -> int:
        await self._write(STDOUT, " ".join(arguments) + "\n")
        return 0

    async def _sleep(self, arguments: list[str]) -> int:
        if len(arguments) != 1 or not arguments[0].isdecimal():
            return await self._unknown_option("sleep", arguments)
        await asyncio.sleep(int(arguments[0]))
        return 0

    async def _sh(self, arguments: list[str]) -> int:
        if len(arguments) != 2 or arguments[0] != "-c":
            return await self._fail("sh: the sandbox has no interactive shell, only sh -c 'COMMAND; COMMAND'", _MISUSE)
        exit_code = 0
        for part in arguments[1].split(";"):
            text, to_stderr = part.strip(), False
            if text.endswith(">&2"):
                text, to_stderr = text.removesuffix(">&2").removesuffix("1").strip(), True
            if _SHELL_SIGNS.intersection(text):
                return await self._fail(f"sh: the sandbox's shell does not know: {text}", _MISUSE)
            try:
                words = shlex.split(text)
            except ValueError as error:
                return await self._fail(f"sh: syntax error: {error}", _MISUSE)
            if words[:1] == ["exit"] and "".join(words[1:]).isdecimal():
                return int("".join(words[1:])) % 256
            if words:
                exit_code = await self._in_shell(words, to_stderr)
        return exit_code

    async def _in_shell(self, words: list[str], to_stderr: bool) -> int:
        async def diverted(_: int, text: str) -> None:
            await self._write(STDERR, text)

        if words[0].removeprefix("/usr").removeprefix("/bin/") not in self._known:
            return await self._fail(f"sh: 1: {words[0]}: not found", COMMAND_NOT_FOUND)
        inner = Commands(self._container, diverted) if to_stderr else self
        return await inner.run(words)


def _ending_with(exit_code: int) -> Callable[[list[str]], Awaitable[int]]:
    async def end(_: list[str]) -> int:
        return exit_code

    return end
