from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from client_doubles import HostAt, SSHAt, port_that_refuses
from pydantic import SecretStr

from support.clients.journal import Journal
from support.clients.ssh.client import LocalForward, SSHClient, SSHError

PASSWORD = "jump-passw0rd"
TARGET_NAME = "target.example"
BIG = 3_000_000


@dataclass
class Estate:
    """A jump host with a password, and behind it a target with a key; one loop in one thread serves both."""

    folder: Path
    jump_port: int = 0
    target_port: int = 0
    forwarded: list[tuple[str, int]] = field(default_factory=list)
    jump_connections: int = 0
    refuse_forwards: bool = False

    async def start(self) -> None:
        keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("jump", "target", "user", "stranger")}
        (self.folder / "user").write_bytes(keys["user"].export_private_key())
        (self.folder / "user").chmod(0o600)
        estate = self

        class Jump(asyncssh.SSHServer):
            def connection_made(self, conn: Any) -> None:
                self._connection = conn
                estate.jump_connections += 1

            def connection_lost(self, exc: Exception | None) -> None:
                estate.jump_connections -= 1

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == ("root", PASSWORD)

            def connection_requested(self, dest_host: str, dest_port: int, *origin: Any) -> Any:
                estate.forwarded.append((dest_host, dest_port))
                if estate.refuse_forwards:
                    raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "not allowed")
                if dest_host != TARGET_NAME:
                    return True
                return self._connection.forward_connection("127.0.0.1", estate.target_port)

        class Target(asyncssh.SSHServer):
            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return username == "prisma" and key == keys["user"].convert_to_public()

        jump = await asyncssh.create_server(
            Jump, "127.0.0.1", 0, server_host_keys=[keys["jump"]], process_factory=_command
        )
        target = await asyncssh.create_server(
            Target, "127.0.0.1", 0, server_host_keys=[keys["target"]], process_factory=_command
        )
        self._servers = (jump, target)
        self.jump_port, self.target_port = jump.get_port(), target.get_port()
        self._write_known_hosts(keys)

    async def stop(self) -> None:
        """End the servers with their connections and whatever still runs for them."""
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _write_known_hosts(self, keys: dict[str, asyncssh.SSHKey]) -> None:
        lines = {
            "known_hosts": {f"[127.0.0.1]:{self.jump_port}": "jump", TARGET_NAME: "target"},
            "jump_only": {f"[127.0.0.1]:{self.jump_port}": "jump"},
            "changed": {f"[127.0.0.1]:{self.jump_port}": "stranger", TARGET_NAME: "target"},
        }
        for name, hosts in lines.items():
            public = {host: keys[key].export_public_key().decode().strip() for host, key in hosts.items()}
            (self.folder / name).write_text("".join(f"{host} {key}\n" for host, key in public.items()))

    def settings(self, known_hosts: str = "known_hosts", **jump: Any) -> SSHAt:
        jump_host = HostAt("127.0.0.1", self.jump_port, "root", SecretStr(PASSWORD))
        target = HostAt(TARGET_NAME, 22, key_file=self.folder / "user")
        return SSHAt(replace(jump_host, **jump), target, self.folder / known_hosts)


async def _command(process: asyncssh.SSHServerProcess[str]) -> None:
    command = process.command or ""
    if command == "both":
        # Standard error first and more of it than its window holds.
        process.stderr.write("e" * BIG)
        await process.stderr.drain()
        process.stdout.write("o" * BIG)
        process.exit(7)
    elif command == "wait":
        await process.stdin.read()
        await process.wait_closed()
    elif command == "vanish":
        process.channel.get_connection().abort()
    else:
        process.stdout.write(f"{command} on worker-node\n")
        process.exit(0)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = Estate(tmp_path_factory.mktemp("ssh"))
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(10)
    yield made
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def refusing(estate: Estate) -> Iterator[Estate]:
    estate.refuse_forwards = True
    yield estate
    estate.refuse_forwards = False


def test_a_command_on_the_jump_host(estate: Estate) -> None:
    journal = Journal()
    with SSHClient(estate.settings(), journal).connect_jump() as session:
        result = session.run("hostname")
        assert session.is_open
        assert 0 < session.connect_duration_s < 5
    assert not session.is_open
    assert (result.exit_status, result.stdout, result.stderr) == (0, "hostname on worker-node\n", "")
    assert "$ hostname" in journal.text()
    assert PASSWORD not in journal.text()
    with pytest.raises(SSHError, match="closed"):
        session.run("hostname")


def test_a_command_on_the_target_through_the_jump_host(estate: Estate) -> None:
    estate.forwarded.clear()
    with SSHClient(estate.settings(), Journal()).connect_target() as session:
        assert session.run("uptime").stdout == "uptime on worker-node\n"
    assert estate.forwarded == [(TARGET_NAME, 22)]


def test_outputs_larger_than_a_window_do_not_block(estate: Estate) -> None:
    with SSHClient(estate.settings(), Journal()).connect_jump() as session:
        result = session.run("both", timeout_s=8)
    assert (result.exit_status, len(result.stdout), len(result.stderr)) == (7, BIG, BIG)


def test_a_command_that_does_not_end_is_given_up(estate: Estate) -> None:
    with SSHClient(estate.settings(), Journal()).connect_jump() as session:
        with pytest.raises(SSHError, match="not done after 0.1 s") as raised:
            session.run("wait", timeout_s=0.1)
        assert raised.value.kind == "timeout"
        assert session.run("still").exit_status == 0


def test_a_lost_connection_is_no_result(estate: Estate) -> None:
    with SSHClient(estate.settings(), Journal()).connect_jump() as session, pytest.raises(SSHError) as raised:
        session.run("vanish")
    assert raised.value.kind == "unreachable"


def test_a_host_that_is_not_the_known_one_is_refused(estate: Estate) -> None:
    with pytest.raises(SSHError, match="host key is not the one") as raised:
        SSHClient(estate.settings("changed"), Journal()).connect_jump()
    assert raised.value.kind == "host_key"


def test_an_unknown_target_is_refused_and_nothing_stays_open(estate: Estate) -> None:
    with pytest.raises(SSHError, match=f"not in known_hosts.*{TARGET_NAME}") as raised:
        SSHClient(estate.settings("jump_only"), Journal()).connect_target()
    assert raised.value.kind == "host_key"
    _wait_until(lambda: estate.jump_connections == 0)


def test_a_wrong_login_is_refused(estate: Estate) -> None:
    journal = Journal()
    with pytest.raises(SSHError, match="the server accepts .*password") as raised:
        SSHClient(estate.settings(password=SecretStr("wr0ng-password")), journal).connect_jump()
    assert raised.value.kind == "authentication"
    assert "wr0ng-password" not in journal.text() + str(raised.value)


def test_a_password_file_is_read_without_its_line_end(estate: Estate, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    journal = Journal()
    with SSHClient(estate.settings(password=None, password_file=path), journal).connect_jump() as session:
        assert session.is_open
    assert PASSWORD not in journal.redact(f"it is {PASSWORD}")


def test_a_host_that_is_not_there(estate: Estate) -> None:
    with port_that_refuses() as port, pytest.raises(SSHError) as raised:
        SSHClient(estate.settings(port=port), Journal()).connect_jump()
    assert raised.value.kind == "unreachable"
    with pytest.raises(SSHError, match="no jump host"):
        SSHClient(replace(estate.settings(), jump=None), Journal()).connect_jump()


def test_a_refused_forward_is_told_and_closes_the_jump(refusing: Estate) -> None:
    with pytest.raises(SSHError, match="did not forward to") as raised:
        SSHClient(refusing.settings(), Journal()).connect_target()
    assert raised.value.kind == "forward_refused"
    _wait_until(lambda: refusing.jump_connections == 0)


def test_closing_the_target_closes_the_jump_too(estate: Estate) -> None:
    SSHClient(estate.settings(), Journal()).connect_target().close()
    _wait_until(lambda: estate.jump_connections == 0)


def test_a_forwarded_port_carries_both_ways(estate: Estate) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def echo_once() -> None:
        connection, _ = listener.accept()
        with connection:
            while chunk := connection.recv(65536):
                connection.sendall(chunk[::-1])

    echo = threading.Thread(target=echo_once, daemon=True)
    echo.start()
    with (
        SSHClient(estate.settings(), Journal()).connect_jump() as session,
        LocalForward(session, "127.0.0.1", listener.getsockname()[1]) as forward,
        socket.create_connection(("127.0.0.1", forward.local_port), 5) as client,
    ):
        client.sendall(b"abc")
        assert client.recv(3) == b"cba"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(3) == b""
    echo.join(5)
    listener.close()
    assert forward.local_port == 0


def test_a_forwarded_port_that_is_refused_says_why(refusing: Estate) -> None:
    with (
        SSHClient(refusing.settings(), Journal()).connect_jump() as session,
        LocalForward(session, "127.0.0.1", 1) as forward,
        socket.create_connection(("127.0.0.1", forward.local_port), 5) as client,
    ):
        assert client.recv(1) == b""
        assert forward.failure is not None
        assert forward.failure.kind == "forward_refused"


def _wait_until(true: Any) -> None:
    """The server notices a closed connection a moment later."""
    pause = threading.Event()
    for _ in range(300):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it did not become true within 3 s")
