"""One broker: its files, its environment, and its two operating system processes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from environments.sandbox.rabbitmq.definitions import EXCHANGE_MISSING, definitions
from environments.sandbox.rabbitmq.home import MANAGEMENT, lay_out
from environments.sandbox.rabbitmq.installed import SERVER

_NODE = "rabbit@localhost"
_LOOK_AGAIN_S = 0.02
_EPMD_WITHIN_S = 20.0
_LAST_WORDS = 3
_ERLANG = "+S 1:1 +sbwt none -start_epmd false -kernel inet_dist_use_interface {{{address}}}"
"""One scheduler that does not spin: the broker has little to do, and other processes need the processors."""


class Broker:
    """``config`` has host, server_port, management_port, distribution_port, epmd_port, user, password, vhost and
    exchange. The distribution port must be unique on the machine: RabbitMQ does not start while any process listens on
    it, on any address (``rabbit_prelaunch_dist:dist_port_use_check``).

    All its data is in ``folder`` and outlives its processes, as on a volume.
    """

    def __init__(self, config: Mapping[str, Any], folder: Path, log_file: Path) -> None:
        self._config = config
        self._folder = folder
        self._log_file = log_file
        self._was_up = folder / "was-up"
        self._home = folder / "home"
        self._processes: list[Process] = []

    @property
    def has_run(self) -> bool:
        """Whether it has completed a start, with all its definitions."""
        return self._was_up.is_file()

    def note_up(self) -> None:
        self._was_up.touch()

    async def start(self, faults: Collection[str]) -> Process:
        """Begin to start it; it listens a few seconds later. The returned process ends when the broker ends."""
        self._write_files(faults)
        epmd = ["epmd", "-address", "127.0.0.1", "-port", str(self._config["epmd_port"])]
        self._processes = [await self._run(*epmd)]
        await self._names_are_served()
        self._processes.append(await self._run(str(self._home / "sbin" / SERVER.name)))
        return self._processes[-1]

    async def _names_are_served(self) -> None:
        """Wait until epmd listens, because a broker that does not find it gives up. Raises TimeoutError."""
        async with asyncio.timeout(_EPMD_WITHIN_S):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", int(self._config["epmd_port"]))
                    writer.close()
                    return
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def kill(self) -> None:
        """End it like a crash, with all that it started. The Erlang machine goes first: it would restart epmd."""
        if os.getpgrp() != os.getpid():
            raise RuntimeError("a broker is ended with its process group, which must be that of this process alone")
        while others := _others_of_our_group():
            for pid in others:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(_LOOK_AGAIN_S)
        for process in self._processes:
            await process.wait()
        self._processes = []

    def last_words(self) -> str:
        """The last lines of its log."""
        lines = self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join([line.strip() for line in lines if line.strip()][-_LAST_WORDS:]) or "its log is empty"

    async def _run(self, *command: str) -> Process:
        with self._log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=log, stderr=STDOUT, env=self._environment(), cwd=self._folder
            )

    def _environment(self) -> dict[str, str]:
        folder, config = self._folder, self._config
        erlang = _ERLANG.format(address=config["host"].replace(".", ","))
        return {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "RABBITMQ_SCRIPTS_DIR": str(self._home / "sbin"),
            "RABBITMQ_PLUGINS_DIR": str(self._home / "plugins"),
            "ERL_EPMD_PORT": str(config["epmd_port"]),
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_DIST_PORT": str(config["distribution_port"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
            # The script becomes the Erlang machine. Otherwise it waits for it and always exits with 0.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _write_files(self, faults: Collection[str]) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if EXCHANGE_MISSING in faults:  # definitions only add to the stored data
            self._was_up.unlink(missing_ok=True)
        if not self.has_run:  # the data of an interrupted first start is worse than none
            shutil.rmtree(self._folder / "data", ignore_errors=True)
        lay_out(self._home, SERVER.resolve().parents[1])
        config = self._config
        settings = {
            "listeners.tcp.1": f"{config['host']}:{config['server_port']}",
            "management.tcp.ip": config["host"],
            "management.tcp.port": config["management_port"],
            "load_definitions": self._folder / "definitions.json",
            "log.console.level": "warning",
        }
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        self._write("rabbitmq.conf", lines)
        self._write("plugins", f"[{MANAGEMENT}].\n")
        self._write("definitions.json", json.dumps(definitions(config, faults)))

    def _write(self, name: str, text: str) -> None:
        file = self._folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")


def _others_of_our_group() -> list[int]:
    """The other processes of this process group, epmd last, without zombies. The group belongs to this process alone:
    each process of the sandbox leads its own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")
            state, _, group = rest.split()[:3]
            pid = int(stat.parent.name)
            if int(group) == os.getpgrp() and pid != os.getpid() and state != "Z":
                found.append((name.endswith("(epmd"), pid))
    return [pid for _, pid in sorted(found)]
