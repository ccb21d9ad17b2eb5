"""A time limit covers the whole login and the whole command, no matter what the host keeps sending."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import paramiko
import pytest
from client_doubles import HostAt, SSHAt
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from pydantic import SecretStr

from support.clients.journal import Journal
from support.clients.ssh import client as ssh
from support.clients.ssh import session as ssh_session
from support.clients.ssh.client import SSHClient
from support.clients.ssh.errors import SSHError
from support.waits import Stopwatch

LIMIT_S = 0.5
OPENED_S = 2.0
"""A time-out in which a busy machine opens a channel as well, because the library has one limit for both."""
LONGEST_S = 3.0
PASSWORD = "the-passw0rd"


class Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == PASSWORD


async def _without_end(process: asyncssh.SSHServerProcess[str]) -> None:
    writer = process.stderr if process.command == "complains" else process.stdout
    pause_s = 0.0 if process.command in ("floods", "complains") else 0.1
    try:
        while True:
            writer.write("y\n" * (1 if pause_s else 8000))
            await writer.drain()
            await asyncio.sleep(pause_s)
    except (OSError, asyncssh.Error):
        return


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SSHClient]:
    """A host on which each command writes endlessly."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def listening() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            Server, "127.0.0.1", 0, server_host_keys=[key], process_factory=_without_end
        )

    async def end() -> None:
        acceptor.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    acceptor = asyncio.run_coroutine_threadsafe(listening(), loop).result(10)
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{acceptor.get_port()} {key.export_public_key().decode()}")
    target = HostAt("127.0.0.1", acceptor.get_port(), "root", SecretStr(PASSWORD))
    yield SSHClient(SSHAt(None, target, known), Journal())
    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("command", ["now and then", "floods", "complains"])
def test_a_command_that_goes_on_writing_is_given_up(
    host: SSHClient, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_session, "MOST_OUTPUT", sys.maxsize)  # a fast machine would reach it in time
    with host.connect_target() as session:
        watch = Stopwatch()
        with pytest.raises(SSHError, match="was not done after 2 s") as raised:
            session.run(command, timeout_s=OPENED_S)
        assert raised.value.kind == "timeout"
        assert watch.given_s() < OPENED_S + LONGEST_S
        assert session.is_open


@pytest.mark.parametrize("command", ["floods"])
def test_a_command_that_writes_too_much_is_given_up(
    host: SSHClient, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_session, "MOST_OUTPUT", 100_000)
    with host.connect_target() as session, pytest.raises(SSHError, match="wrote more than 100000 bytes") as raised:
        session.run(command)
    assert raised.value.kind == "endless"


class Deaf:
    """Accepts logins and sessions, but never answers a request to run a command."""

    def __init__(self) -> None:
        class Interface(paramiko.ServerInterface):
            def check_auth_password(self, username: str, password: str) -> int:
                return AUTH_SUCCESSFUL

            def get_allowed_auths(self, username: str) -> str:
                return "password"

            def check_channel_request(self, kind: str, chanid: int) -> int:
                return OPEN_SUCCEEDED

            def check_channel_exec_request(self, channel: object, command: bytes) -> bool:
                threading.Event().wait(LONGEST_S)
                return False

        self.key = paramiko.RSAKey.generate(2048)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._transport: paramiko.Transport | None = None

        def serve() -> None:
            connection, _ = self._listener.accept()
            self._transport = paramiko.Transport(connection)
            self._transport.add_server_key(self.key)
            self._transport.start_server(server=Interface())

        threading.Thread(target=serve, daemon=True).start()

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._listener.close()


def test_a_host_that_does_not_answer_the_request_to_run_a_command_is_given_up(tmp_path: Path) -> None:
    """The library has no time limit for that answer."""
    deaf = Deaf()
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{deaf.port} {deaf.key.get_name()} {deaf.key.get_base64()}\n")
    target = HostAt("127.0.0.1", deaf.port, "root", SecretStr(PASSWORD))
    try:
        with SSHClient(SSHAt(None, target, known), Journal()).connect_target() as session:
            watch = Stopwatch()
            with pytest.raises(SSHError, match="was not done after 0.5 s"):
                session.run("hostname", timeout_s=LIMIT_S)
            assert watch.given_s() < LONGEST_S
    finally:
        deaf.stop()


@pytest.mark.parametrize("pieces", [[], [b"x"], [b"hello\r\n"], [b"SSH-2.0-slow\r\n", b"\0"]])
def test_a_login_that_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(ssh, "LOGIN_TIMEOUT_S", LIMIT_S)
    stopped, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                for piece in pieces[:-1]:
                    connection.sendall(piece)
                while not stopped.wait(0.1):
                    connection.sendall(pieces[-1] if pieces else b"")
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    (tmp_path / "known_hosts").write_text("")
    target = HostAt("127.0.0.1", listener.getsockname()[1], "root", SecretStr(PASSWORD))
    watch = Stopwatch()
    try:
        with pytest.raises(SSHError, match="not done within 0.5 s") as raised:
            SSHClient(SSHAt(None, target, tmp_path / "known_hosts"), Journal()).connect_target()
        assert raised.value.kind == "unreachable"
        assert watch.given_s() < LONGEST_S
    finally:
        stopped.set()
        listener.close()
