"""The SSH process: jump host and target host."""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncssh

from environments.sandbox.shared.kubernetes_versions import VERSIONS
from environments.sandbox.shared.process import SandboxProcess
from environments.sandbox.ssh.fault_ids import FAULT_IDS
from environments.sandbox.ssh.files import Home, HomeServer
from environments.sandbox.ssh.host import Destination, Host, HostConnection, Result, serve_session
from environments.sandbox.ssh.keys import ALGORITHM, host_key, write_known_hosts
from environments.sandbox.ssh.shell import Shell

JUMP_HOSTNAME = "panda-sandbox-host"
asyncssh.set_log_level("WARNING")  # otherwise it writes some fifteen lines for each command
_KUBECTL_MODULE = "environments.sandbox.ssh.kubectl"
_KEY_FAULT = "ssh-target-host-key-changed"
_STAY_OPEN_FAULT = "ssh-sessions-stay-open"


class SshProcess(SandboxProcess):
    """The supervised process with both hosts.

    A reset forgets the commands run and empties the home. It keeps the keys and the open connections.
    """

    name = "ssh"
    fault_ids = FAULT_IDS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        target, private_name = config["target"], config["target_private_address"]
        onward = {_destination(text): _destination(text) for text in config["forwardable"]}
        only_here = {_destination(a): _destination(b) for a, b in config["target_forwards"].items()}
        real: Destination = (target["host"], int(target["port"]))
        self._jump = self._host("jump", JUMP_HOSTNAME, {**onward, (private_name, 22): real, real: real})
        self._target = self._host("target", config["target_name"], {**onward, **only_here})
        self._target.home = Home(Path(config["run_dir"]) / "target-files", self._target.user)
        self._acceptors: dict[str, asyncssh.SSHAcceptor] = {}
        self._keys: dict[str, asyncssh.SSHKey] = {}
        self._version = VERSIONS[config["settings"]["kubernetes_version"]]
        self._warming: asyncio.Future[Any] | None = None

    def _host(self, role: str, hostname: str, forwards: Mapping[Destination, Destination]) -> Host:
        given = self.config[role]
        key_file = given.get("authorized_key_file")
        return Host(
            role=role,
            hostname=hostname,
            address=given["host"],
            port=int(given["port"]),
            user=given["user"],
            fault=self.fault,
            password=given.get("password"),
            authorized_key_file=Path(key_file) if key_file else None,
            forwards=forwards,
            first_connection=self._warm_up,
        )

    async def start(self) -> Mapping[str, Any]:
        folder = Path(self.config["host_key_dir"])
        self._keys = {role: host_key(folder, role) for role in ("jump", "target")}
        self._keys["changed"] = asyncssh.generate_private_key(ALGORITHM)
        known_hosts = Path(self.config["known_hosts_file"])
        write_known_hosts(known_hosts, [
            (self._jump.address, self._jump.port, self._keys["jump"]),
            (self._target.address, self._target.port, self._keys["target"]),
            (self.config["target_private_address"], 22, self._keys["target"]),
        ])  # fmt: skip
        await self._listen(self._jump, Shell(self._jump), self._keys["jump"])
        await self._listen(self._target, Shell(self._target, self._kubectl), self._target_key())
        return {
            "jump": f"{self._jump.address}:{self._jump.port}",
            "target": f"{self._target.address}:{self._target.port}",
            "known_hosts": str(known_hosts),
        }

    async def _listen(self, host: Host, shell: Shell, key: asyncssh.SSHKey) -> None:
        self._acceptors[host.role] = await asyncssh.listen(
            host.address,
            host.port,
            reuse_port=True,
            server_factory=functools.partial(HostConnection, host),
            server_host_keys=[key],
            process_factory=functools.partial(serve_session, host, shell.run),
            sftp_factory=functools.partial(HomeServer, home=host.home) if host.home else None,
            kbdint_auth=False,
            gss_host=None,  # otherwise asyncssh asks the resolver for this machine's full name
            agent_forwarding=False,
            errors="replace",
        )

    async def stop(self) -> None:
        for acceptor in self._acceptors.values():
            acceptor.close()
        for host in (self._jump, self._target):
            for connection in list(host.connections):
                connection.abort()
        if self._warming is not None:
            await self._warming

    async def reset(self) -> None:
        for host in (self._jump, self._target):
            host.lingering.clear()
            host.commands.clear()
            host.commands_run = 0
            if host.home is not None:
                host.home.clear()

    async def state(self) -> Mapping[str, Any]:
        return {host.role: host.state() for host in (self._jump, self._target)}

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        if _KEY_FAULT in switched_on | switched_off:
            self._acceptors["target"].update(server_host_keys=[self._target_key()])
        if _STAY_OPEN_FAULT in switched_off:
            self._jump.lingering.clear()
            self._target.lingering.clear()

    def _target_key(self) -> asyncssh.SSHKey:
        return self._keys["changed" if self.fault(_KEY_FAULT) else "target"]

    def _warm_up(self) -> None:
        """Load kubectl's HTTP client during the first login: at start it would delay the sandbox, later the user."""
        if self._warming is None:
            self._warming = asyncio.ensure_future(asyncio.to_thread(importlib.import_module, _KUBECTL_MODULE))

    async def _kubectl(self, arguments: Sequence[str]) -> Result:
        self._warm_up()
        assert self._warming is not None
        module = await self._warming
        result: Result = await module.run(arguments, self.config["kubernetes"], self._version)
        return result


def _destination(text: str) -> Destination:
    host, _, port = text.rpartition(":")
    return host, int(port)
