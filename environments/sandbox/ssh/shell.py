"""The commands of the two hosts, implemented here so that the output does not depend on this machine."""

from __future__ import annotations

import errno
import os
import re
import shlex
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from environments.sandbox.ssh.host import Host, Result

Command = Callable[[Sequence[str]], Result]
Kubectl = Callable[[Sequence[str]], Awaitable[Result]]

_OPERATORS = "|&;<>"
_SS_FILTER = re.compile(r"-[Htn]{3} state established \( ?sport = :22 ?\)")
_K9S_VERSION = """\
 ____  __ ________
|    |/  /   __   \\______
|       /\\____    /  ___/
|    \\   \\  /    /\\___  \\
|____|\\__ \\/____//____  /
         \\/           \\/

Version:    v0.50.16
Commit:     sandbox
Date:       n/a
"""


class Shell:
    """Parses and runs one command line at a time; ``kubectl`` is ``None`` if it is not installed."""

    def __init__(self, host: Host, kubectl: Kubectl | None = None) -> None:
        self._host = host
        self._kubectl = kubectl
        self._booted_s = time.monotonic()
        self._facts: dict[str, Callable[[], str]] = {
            "hostname": lambda: host.hostname,
            "whoami": lambda: host.user,
            "uptime": self._uptime,
        }
        self._commands: dict[str, Command] = {
            "ss": self._ss,
            "cat": self._cat,
            "echo": _echo,
            "true": lambda _: Result(),
            "false": lambda _: Result(exit_code=1),
        }

    async def run(self, line: str) -> Result:
        """Run one simple command. An error names pipes, lists, redirections and expansions as unsupported."""
        try:
            words = _split(line)
        except ValueError as error:
            return Result(stderr=f"bash: -c: {error}\n", exit_code=2)
        if not words:
            return Result()
        strange = next((word for word in words if _is_operator(word) or "$" in word or "`" in word), None)
        if strange is not None:
            return Result(stderr=f"bash: {strange}: not supported by the sandbox's shell\n", exit_code=2)
        name, arguments = words[0], words[1:]
        if name == "kubectl" and self._kubectl and not self._host.fault("ssh-kubectl-missing"):
            return await self._kubectl(arguments)
        if name == "k9s" and self._kubectl and not self._host.fault("ssh-k9s-missing"):
            return _k9s(arguments)
        if name in self._facts:
            if arguments:
                return Result(stderr=f"{name}: argument {arguments[0]!r} is not supported\n", exit_code=1)
            return Result(f"{self._facts[name]()}\n")
        if name in self._commands:
            return self._commands[name](arguments)
        return Result(stderr=f"bash: {name}: command not found\n", exit_code=127)

    def _uptime(self) -> str:
        minutes = int(time.monotonic() - self._booted_s) // 60
        up = f"{minutes // 60}:{minutes % 60:02}" if minutes >= 60 else f"{minutes} min"
        users = len(self._host.established())
        load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
        return f" {datetime.now(UTC):%H:%M:%S} up {up},  {users} user{'' if users == 1 else 's'},  load average: {load}"

    def _ss(self, arguments: Sequence[str]) -> Result:
        if not _SS_FILTER.fullmatch(" ".join(" ".join(arguments).split())):
            allowed = "ss -Htn state established ( sport = :22 )"
            return Result(stderr=f"ss: the sandbox answers only {allowed}\n", exit_code=1)
        here = f"{self._host.address}:22"
        return Result("".join(f"0      0      {here:>20}   {peer:>20}\n" for peer in self._host.established()))

    def _cat(self, arguments: Sequence[str]) -> Result:
        if not arguments:
            return Result(stderr="cat: reading standard input is not supported\n", exit_code=1)
        stdout, stderr = "", ""
        for file in arguments:
            if file == "/etc/hostname":
                stdout += f"{self._host.hostname}\n"
                continue
            try:
                stdout += self._file_of_the_home(file)
            except OSError as error:
                stderr += f"cat: {file}: {error.strerror}\n"
        return Result(stdout, stderr, 1 if stderr else 0)

    def _file_of_the_home(self, name: str) -> str:
        """The content of a file that was copied with sftp; no other files exist."""
        home = self._host.home
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if home is None:
            raise missing
        try:
            path = home.real_path(name)
        except PermissionError:
            raise missing from None
        return path.read_text(encoding="utf-8", errors="replace")


def _split(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _is_operator(word: str) -> bool:
    return bool(word) and set(word) <= set(_OPERATORS)


def _echo(arguments: Sequence[str]) -> Result:
    if arguments and re.fullmatch(r"-[neE]+", arguments[0]):
        return Result(stderr=f"echo: option {arguments[0]} is not supported\n", exit_code=1)
    return Result(" ".join(arguments) + "\n")


def _k9s(arguments: Sequence[str]) -> Result:
    if list(arguments) != ["version"]:
        return Result(stderr="k9s: the sandbox answers only k9s version\n", exit_code=1)
    return Result(_K9S_VERSION)
