"""Shared helpers of the SSH host tests: paramiko clients that check host keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paramiko

from tests.sandbox.process_runner import RunningProcess
from tests.sandbox.ssh.cluster_stub import ClusterStub

TARGET = "target.sandbox"
JUMP_PASSWORD = "a jump password"
TIMEOUT_S = 120.0
SS = "ss -Htn state established ( sport = :22 )"


@dataclass(frozen=True)
class Answer:
    exit_code: int
    stdout: str
    stderr: str


class Client:
    """A connection to one host, through ``via`` if given."""

    def __init__(self, client: paramiko.SSHClient, via: Client | None = None) -> None:
        self.paramiko = client
        self._via = via

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        _close(self.paramiko)
        if self._via is not None:
            self._via.close()

    def run(self, command: str) -> Answer:
        _, stdout, stderr = self.paramiko.exec_command(command, timeout=TIMEOUT_S)
        out, err = stdout.read().decode(), stderr.read().decode()
        return Answer(stdout.channel.recv_exit_status(), out, err)

    def open_to(self, host: str, port: int) -> paramiko.Channel:
        transport = self.paramiko.get_transport()
        assert transport is not None
        return transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=TIMEOUT_S)


@dataclass
class Hosts:
    """The process under test with its login data."""

    process: RunningProcess
    cluster: ClusterStub
    jump_port: int
    target_port: int
    known_hosts: Path
    key_file: Path

    def jump(self, password: str = JUMP_PASSWORD, user: str = "root") -> Client:
        return Client(self._connect("127.0.0.1", self.jump_port, username=user, password=password))

    def target(self, **login: Any) -> Client:
        """Connect to the target through the jump host, as the suite does."""
        jump = self.jump()
        try:
            channel = jump.open_to(TARGET, 22)
            return Client(self._connect(TARGET, 22, sock=channel, **(login or self.key_login)), via=jump)
        except paramiko.SSHException:
            jump.close()
            raise

    @property
    def key_login(self) -> dict[str, Any]:
        return {"username": "prisma", "key_filename": str(self.key_file)}

    def _connect(self, host: str, port: int, **login: Any) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.load_host_keys(str(self.known_hosts))
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            client.connect(
                host, port, look_for_keys=False, allow_agent=False, timeout=TIMEOUT_S, auth_timeout=TIMEOUT_S, **login
            )
        except (paramiko.SSHException, OSError):
            _close(client)
            raise
        return client

    def state(self) -> Any:
        return self.process.request("state")


def _close(client: paramiko.SSHClient) -> None:
    """Close the client and wait for its reading thread: the kernel ends the connection only after that thread releases
    it."""
    transport = client.get_transport()
    client.close()
    if transport is not None:
        transport.join(TIMEOUT_S)
