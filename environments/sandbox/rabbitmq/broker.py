"""One broker: its files, its environment, and the two operating system processes it is made of."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import secrets
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from environments.sandbox.rabbitmq.installed import SERVER

_NODE = "rabbit@localhost"
_DISTRIBUTION_PORT = 25672
_LOOK_AGAIN_S = 0.02
_EPMD_WITHIN_S = 20.0
_ERLANG = "+S 1:1 +sbwt none -start_epmd false -kernel inet_dist_use_interface {{{address}}}"
"""One scheduler that does not spin: the broker has little to do, and others need the processors."""


class Broker:
    """``config`` has host, port, management_port, epmd_port, user, password, vhost and exchange.

    Everything it stores lies in ``folder`` and outlives its processes, as on a volume.
    """

    def __init__(self, config: Mapping[str, Any], folder: Path, log_file: Path) -> None:
        self._config = config
        self._folder = folder
        self._log_file = log_file
        self._processes: list[Process] = []

    async def start(self) -> Process:
        """Begin to start; it listens a few seconds later. The process that is answered ends when the broker does."""
        self._write_files()
        epmd = ["epmd", "-address", "127.0.0.1", "-port", str(self._config["epmd_port"])]
        self._processes = [await self._run(*epmd)]
        await self._names_are_served()
        self._processes.append(await self._run(str(SERVER)))
        return self._processes[-1]

    async def _names_are_served(self) -> None:
        """Until epmd listens: a broker that does not find it gives up. Raises TimeoutError."""
        async with asyncio.timeout(_EPMD_WITHIN_S):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", int(self._config["epmd_port"]))
                    writer.close()
                    return
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def kill(self) -> None:
        """End it the way a crash does: all that it started, the Erlang machine first, which would start epmd again."""
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

    async def _run(self, *command: str) -> Process:
        with self._log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=log, stderr=STDOUT, env=self._environment()
            )

    def _environment(self) -> dict[str, str]:
        folder, config = self._folder, self._config
        erlang = _ERLANG.format(address=config["host"].replace(".", ","))
        return {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(config["epmd_port"]),
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_DIST_PORT": str(_DISTRIBUTION_PORT),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
        }

    def _write_files(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        config = self._config
        settings = {
            "listeners.tcp.1": f"{config['host']}:{config['port']}",
            "management.tcp.ip": config["host"],
            "management.tcp.port": config["management_port"],
            "load_definitions": self._folder / "definitions.json",
            "log.console.level": "warning",
        }
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        self._write("rabbitmq.conf", lines)
        self._write("plugins", "[rabbitmq_management].\n")
        self._write("definitions.json", json.dumps(definitions(config)))

    def _write(self, name: str, text: str) -> None:
        file = self._folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")


def definitions(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the product finds at a broker of a site: its user, its virtual host and its exchange."""
    user, vhost = config["user"], config["vhost"]
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [{"name": user, **hashed(config["password"]), "tags": "administrator"}],
        "vhosts": [{"name": vhost}],
        "permissions": [{"user": user, "vhost": vhost, **everything}],
        "exchanges": [exchange(config)],
    }


def exchange(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": config["exchange"], "vhost": config["vhost"], "type": "topic", "durable": True, "auto_delete": False,
        "internal": False, "arguments": {},
    }  # fmt: skip


def hashed(password: str) -> dict[str, str]:
    """A password as RabbitMQ keeps it: salt and hash, in base 64."""
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
    }


def _others_of_our_group() -> list[int]:
    """The processes of this process group but this one, epmd last; those that have ended and wait to be noticed are
    none. The group is our own: every process of the sandbox leads one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")
            state, _, group = rest.split()[:3]
            pid = int(stat.parent.name)
            if int(group) == os.getpgrp() and pid != os.getpid() and state != "Z":
                found.append((name.endswith("(epmd"), pid))
    return [pid for _, pid in sorted(found)]
