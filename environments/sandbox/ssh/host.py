"""One SSH host: its logins, its forwarding, its connections and the commands run on it."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from environments.sandbox.ssh.files import Home

_COMMANDS_KEPT = 100
_COMMAND_CHARACTERS_KEPT = 300
_SLOW_LOGIN_S = 2.5
# The socket option whose first byte is the state of the connection, and the byte of an established one. The macOS
# values are TCP_CONNECTION_INFO and TCPS_ESTABLISHED (netinet/tcp.h, netinet/tcp_fsm.h).
_TCP_INFO, _TCP_ESTABLISHED = (socket.TCP_INFO, 1) if sys.platform == "linux" else (0x106, 4)

Destination = tuple[str, int]
log = logging.getLogger("ssh")


@dataclass(frozen=True)
class Result:
    """The output and exit code of a command."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0


@dataclass
class Host:
    """``role`` is ``jump`` or ``target``. Clients log in with ``password`` or ``authorized_key_file``, as given.

    Without a ``home`` there is no sftp. ``forwards`` maps destinations that a client may request to their real
    addresses; all others are prohibited.
    """

    role: str
    hostname: str
    address: str
    port: int
    user: str
    fault: Callable[[str], bool]
    password: str | None = None
    authorized_key_file: Path | None = None
    forwards: Mapping[Destination, Destination] = field(default_factory=dict)
    home: Home | None = None
    connections: dict[HostConnection, str] = field(default_factory=dict)
    lingering: list[str] = field(default_factory=list)
    commands: deque[str] = field(default_factory=lambda: deque(maxlen=_COMMANDS_KEPT))
    commands_run: int = 0
    first_connection: Callable[[], None] | None = None

    def opened(self, connection: HostConnection, peer: str) -> None:
        self.connections[connection] = peer
        if self.first_connection is not None:
            self.first_connection()

    def closed(self, connection: HostConnection) -> None:
        peer = self.connections.pop(connection, None)
        if peer is not None and self.fault("ssh-sessions-stay-open"):
            self.lingering.append(peer)

    def established(self) -> list[str]:
        """The peers that ``ss`` shows as connected. The kernel decides: it learns of a close before the server."""
        if self.fault("ssh-sessions-stay-open"):
            return [*self.lingering, *self.connections.values()]
        return [peer for connection, peer in self.connections.items() if connection.is_established()]

    def refuses_logins(self) -> bool:
        return self.fault(f"ssh-{self.role}-login-refused")

    def may_log_in_with(self, key: asyncssh.SSHKey) -> bool:
        if self.authorized_key_file is None:
            return False
        return key in asyncssh.read_public_key_list(self.authorized_key_file)

    def state(self) -> dict[str, Any]:
        return {
            "connections": len(self.established()),
            "commands_run": self.commands_run,
            "commands": list(self.commands),
        }


class HostConnection(asyncssh.SSHServer):
    """One client's connection to a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        address, port = conn.get_extra_info("peername")[:2]
        self._host.opened(self, f"{address}:{port}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.closed(self)

    def is_established(self) -> bool:
        """Whether the kernel reports the connection as established. No once asyncssh has given up its socket, which it
        does before it reports that the connection is lost."""
        own = self._connection.get_extra_info("socket") if self._connection is not None else None
        if own is None:
            return False
        try:
            info = own.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)
        except OSError:  # closed already
            return False
        return bool(info[0] == _TCP_ESTABLISHED)

    def abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()

    async def begin_auth(self, username: str) -> bool:
        if self._host.role == "target" and self._host.fault("ssh-slow-login"):
            await asyncio.sleep(_SLOW_LOGIN_S)
        return True

    def password_auth_supported(self) -> bool:
        return self._host.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        known = username == self._host.user and password == self._host.password
        return known and not self._host.refuses_logins()

    def public_key_auth_supported(self) -> bool:
        return self._host.authorized_key_file is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = username == self._host.user and self._host.may_log_in_with(key)
        return known and not self._host.refuses_logins()

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Awaitable[Any]:
        forbidden = self._host.role == "jump" and self._host.fault("ssh-jump-forwarding-forbidden")
        destination = self._host.forwards.get((dest_host, dest_port))
        if forbidden or destination is None:
            log.info("%s: forwarding to %s:%d refused", self._host.role, dest_host, dest_port)
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")  # sshd's wording
        assert self._connection is not None
        return self._connection.forward_connection(*destination)


Answer = Callable[[str], Awaitable[Result]]


async def serve_session(host: Host, answer: Answer, process: asyncssh.SSHServerProcess[str]) -> None:
    """Run the command of an exec channel; a client that disconnects cancels it."""
    if process.command is None:
        process.stderr.write(f"{host.hostname}: interactive shells are not supported, give a command\n")
        process.exit(1)
        return
    host.commands.append(process.command[:_COMMAND_CHARACTERS_KEPT])
    host.commands_run += 1
    answering = asyncio.ensure_future(answer(process.command))
    leaving = asyncio.ensure_future(process.channel.wait_closed())
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            await _write(host, process, answering.result())
    finally:
        answering.cancel()
        leaving.cancel()
        await asyncio.gather(answering, leaving, return_exceptions=True)


async def _write(host: Host, process: asyncssh.SSHServerProcess[str], result: Result) -> None:
    noise = "mesg: ttyname failed: Inappropriate ioctl for device\n"
    try:
        process.stderr.write((noise if host.fault("ssh-commands-write-errors") else "") + result.stderr)
        process.stdout.write(result.stdout)
        await process.stdout.drain()
        process.exit(result.exit_code)
    except (BrokenPipeError, ConnectionError, asyncssh.Error) as error:
        log.info("%s: the client left before it had the answer: %s", host.role, error)
