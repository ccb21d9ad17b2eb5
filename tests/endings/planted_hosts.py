"""SSH hosts in front of those of a sandbox that add planted secrets to the output of each command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncssh

ALGORITHM = "ssh-ed25519"


class PlantedHosts:
    """A jump host that accepts any login, and behind it a target host that runs each command on the real one.

    ``hosts`` is the section ``ssh`` of a run file.
    """

    def __init__(self, hosts: dict[str, Any], banner: str, output: str, complaint: str) -> None:
        self._hosts, self._banner, self._output, self._complaint = hosts, banner, output, complaint
        self._keys = {name: asyncssh.generate_private_key(ALGORITHM) for name in ("jump", "target")}

    async def start(self) -> int:
        """Start the hosts and return the port of the jump host."""
        planted = self

        class Door(asyncssh.SSHServer):
            def connection_made(self, conn: Any) -> None:
                self._connection = conn

            def begin_auth(self, username: str) -> bool:
                self._connection.send_auth_banner(planted._banner)
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return True

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return True

            def connection_requested(self, dest_host: str, dest_port: int, *origin: Any) -> Any:
                return self._connection.forward_connection("127.0.0.1", planted._target.get_port())

        self._target, self._jump = [
            await asyncssh.create_server(Door, "127.0.0.1", 0, server_host_keys=[self._keys[name]], process_factory=run)
            for name, run in (("target", self._on_target), ("jump", self._on_jump))
        ]
        return int(self._jump.get_port())

    def known_hosts(self, port: int) -> str:
        """The known_hosts lines of both hosts."""
        public = {name: key.export_public_key().decode().strip() for name, key in self._keys.items()}
        return f"[127.0.0.1]:{port} {public['jump']}\n{self._hosts['target']['host']} {public['target']}\n"

    async def _on_jump(self, process: asyncssh.SSHServerProcess[str]) -> None:
        async with self._real_jump() as host:
            self._answer(process, await host.run(process.command))

    async def _on_target(self, process: asyncssh.SSHServerProcess[str]) -> None:
        target = self._hosts["target"]
        login = {"username": target["user"], "client_keys": [target["key_file"]], "known_hosts": None}
        async with self._real_jump() as jump, jump.connect_ssh(target["host"], target["port"], **login) as host:
            self._answer(process, await host.run(process.command))

    def _real_jump(self) -> Any:
        jump = self._hosts["jump"]
        password = Path(jump["password_file"]).read_text().strip()
        return asyncssh.connect(
            jump["host"], jump["port"], username=jump["user"], password=password, known_hosts=None, client_keys=None
        )

    def _answer(self, process: asyncssh.SSHServerProcess[str], done: asyncssh.SSHCompletedProcess) -> None:
        process.stdout.write(f"{done.stdout}{self._output}")
        process.stderr.write(f"{done.stderr}{self._complaint}")
        process.exit(done.exit_status or 0)

    async def stop(self) -> None:
        for server in (self._jump, self._target):
            server.close()
