"""Two SSH hosts on loopback, one behind the other, for the clients to log in to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncssh
from client_doubles import HostAt, SSHAt
from pydantic import SecretStr

PASSWORD = "jump-passw0rd"
TARGET_NAME = "target.example"
BIG = 3_000_000


@dataclass
class Estate:
    """A jump host with a password login, and behind it a target with a key login. One loop in one thread serves
    both."""

    folder: Path
    jump_port: int = 0
    target_port: int = 0
    forwarded: list[tuple[str, int]] = field(default_factory=list)
    jump_connections: int = 0
    refuse_forwards: bool = False
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _jumps: set[Any] = field(default_factory=set)

    async def start(self) -> None:
        keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("jump", "target", "user", "stranger")}
        (self.folder / "user").write_bytes(keys["user"].export_private_key())
        (self.folder / "user").chmod(0o600)
        Jump, Target = _jump_of(self), _target_of(keys["user"])
        jump = await asyncssh.create_server(
            Jump, "127.0.0.1", 0, server_host_keys=[keys["jump"]], process_factory=_command
        )
        target = await asyncssh.create_server(
            Target, "127.0.0.1", 0, server_host_keys=[keys["target"]], process_factory=_command
        )
        self._servers = (jump, target)
        self.jump_port, self.target_port = jump.get_port(), target.get_port()
        self._write_known_hosts(keys)

    def drop(self) -> None:
        """Abort all connections without a closing handshake, as a network failure does."""
        self.loop.call_soon_threadsafe(lambda: [one.abort() for one in list(self._jumps)])

    async def stop(self) -> None:
        """Close the servers with their connections and cancel the remaining tasks."""
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


def _jump_of(estate: Estate) -> type[asyncssh.SSHServer]:
    class Jump(asyncssh.SSHServer):
        def connection_made(self, conn: Any) -> None:
            self._connection = conn
            estate.jump_connections += 1
            estate._jumps.add(conn)

        def connection_lost(self, exc: Exception | None) -> None:
            estate.jump_connections -= 1
            estate._jumps.discard(self._connection)

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

    return Jump


def _target_of(key_of_user: asyncssh.SSHKey) -> type[asyncssh.SSHServer]:
    class Target(asyncssh.SSHServer):
        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == "prisma" and key == key_of_user.convert_to_public()

        def connection_requested(self, dest_host: str, dest_port: int, *origin: Any) -> Any:
            return True

    return Target


async def _command(process: asyncssh.SSHServerProcess[str]) -> None:
    command = process.command or ""
    if command == "both":
        # Standard error first, and more than its window holds.
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


@contextmanager
def running_estate(folder: Path) -> Iterator[Estate]:
    made = Estate(folder)
    thread = threading.Thread(target=made.loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(made.start(), made.loop).result(10)
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.stop(), made.loop).result(10)
        made.loop.call_soon_threadsafe(made.loop.stop)
        thread.join()
        made.loop.close()


def wait_until(true: Any) -> None:
    """The other side notices a closed connection a moment later."""
    pause = threading.Event()
    for _ in range(300):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it did not become true within 3 s")
