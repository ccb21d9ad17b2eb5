"""SSH logins: all methods with which OpenSSH's client gets in, and the end of a remote command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
import pytest
from client_doubles import HostAt, SSHAt
from pydantic import SecretStr

from support.clients.journal import Journal
from support.clients.ssh.client import SSHClient
from support.clients.ssh.errors import SSHError

PASSWORD = "the-passw0rd"


class Server(asyncssh.SSHServer):
    """A server that accepts ``methods``; those in ``both`` are required one after the other."""

    methods: tuple[str, ...] = ()
    prompts: tuple[tuple[str, bool], ...] = (("Password:", False),)
    open_to_all = False

    def begin_auth(self, username: str) -> bool:
        return not self.open_to_all

    def password_auth_supported(self) -> bool:
        return "password" in self.methods

    def validate_password(self, username: str, password: str) -> bool:
        return password == PASSWORD

    def kbdint_auth_supported(self) -> bool:
        return "keyboard-interactive" in self.methods

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return ("PAM", "", "", list(self.prompts))

    def validate_kbdint_response(self, username: str, responses: Any) -> Any:
        if not responses:
            return True
        # PAM ends with a round without prompts.
        return ("", "", "", []) if list(responses) == [PASSWORD] * len(self.prompts) else False


async def _command(process: asyncssh.SSHServerProcess[str]) -> None:
    if process.command == "killed":
        process.exit_with_signal("KILL", False, "Killed")
    elif process.command == "silent":
        process.close()
    else:
        process.stdout.write("ok\n")
        process.exit(0)


class Hosts:
    """SSH servers in their own thread; they end with its event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listening: list[asyncssh.SSHAcceptor] = []

    def listen(self, server: type[Server], *keys: Any) -> int:
        """Start another server and return its port."""

        async def listening() -> asyncssh.SSHAcceptor:
            return await asyncssh.create_server(
                server, "127.0.0.1", 0, server_host_keys=list(keys), process_factory=_command
            )

        self._listening.append(asyncio.run_coroutine_threadsafe(listening(), self._loop).result(10))
        return self._listening[-1].get_port()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close_all(self) -> None:
        for one in self._listening:
            one.close()
            await one.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    made = Hosts()
    yield made
    made.close()


def client_of(hosts: Hosts, folder: Path, password: str = PASSWORD, **server: Any) -> SSHClient:
    key = asyncssh.generate_private_key("ssh-ed25519")
    made = type("Made", (Server,), server)
    port = hosts.listen(made, key)
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    return SSHClient(SSHAt(None, HostAt("127.0.0.1", port, "root", SecretStr(password)), known), Journal())


Certified = tuple[SSHClient, Path]


@pytest.fixture
def certified(hosts: Hosts, tmp_path: Path) -> Any:
    """A factory of clients for a host that presents a certificate, with the given known_hosts.

    ``{ca}``, ``{key}`` and ``{host}`` stand for the key of the authority, the key of the host, and its name.
    """
    authority, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    certificate = authority.generate_host_certificate(key, "host", principals=["127.0.0.1"])
    made = type("Certified", (Server,), {"methods": ("password",)})
    port = hosts.listen(made, (key, certificate))

    def client(known_hosts: str) -> Certified:
        public = {name: one.export_public_key().decode().strip() for name, one in (("ca", authority), ("key", key))}
        path = tmp_path / "known_hosts"
        path.write_text(known_hosts.format(host=f"[127.0.0.1]:{port}", **public))
        return SSHClient(SSHAt(None, HostAt("127.0.0.1", port, "root", SecretStr(PASSWORD)), path), Journal()), path

    return client


@pytest.mark.parametrize("names", ["{host}", "*", "127.0.0.1"])
def test_a_host_that_is_trusted_by_an_authority_only_says_what_would_do(certified: Any, names: str) -> None:
    """OpenSSH's client gets in. This suite cannot check the certificate, so it refuses it."""
    client, path = certified("# keys of the site\n@cert-authority " + names + " {ca}\n")
    with pytest.raises(SSHError) as raised:
        client.connect_target()
    assert raised.value.kind == "host_key"
    told = str(raised.value)
    assert f"known_hosts ({path}) trusts it only by a certificate authority (line 2)" in told
    assert "add a line for [127.0.0.1]:" in told and "with its own ssh-ed25519 key, as ssh-keyscan prints it" in told


def test_a_host_with_an_authority_and_a_key_of_its_own_is_logged_in_to(certified: Any) -> None:
    client, _ = certified("@cert-authority * {ca}\n{host} {key}\n")
    with client.connect_target() as session:
        assert session.run("true").exit_status == 0


def test_a_key_of_an_authority_is_no_key_of_a_host(certified: Any) -> None:
    client, path = certified("@cert-authority {host} {ca}\n{host} {ca}\n")
    with pytest.raises(SSHError, match=rf"its host key is not the one in known_hosts \({path}\)"):
        client.connect_target()


@pytest.mark.parametrize(
    "server",
    [
        {"methods": ("password",)},
        {"methods": ("keyboard-interactive",)},
        {"methods": ("keyboard-interactive", "password")},
        {"methods": ("keyboard-interactive",), "prompts": (("Password:", False), ("Again:", False))},
        {"methods": ("keyboard-interactive", "password"), "prompts": (("Code:", True),)},
        {"methods": (), "open_to_all": True},
    ],
)
def test_a_password_gets_in_wherever_openssh_gets_in(hosts: Hosts, tmp_path: Path, server: dict[str, Any]) -> None:
    with client_of(hosts, tmp_path, **server).connect_target() as session:
        assert session.run("true").stdout == "ok\n"


def test_a_prompt_that_a_password_does_not_answer_is_told(hosts: Hosts, tmp_path: Path) -> None:
    client = client_of(hosts, tmp_path, methods=("keyboard-interactive",), prompts=(("Code:", True),))
    with pytest.raises(SSHError, match="the server accepts keyboard-interactive, and asked 'Code:'") as raised:
        client.connect_target()
    assert raised.value.kind == "authentication"


def test_a_server_that_takes_only_keys_says_so(hosts: Hosts, tmp_path: Path) -> None:
    client = client_of(hosts, tmp_path, public_key_auth_supported=lambda self: True)
    with pytest.raises(SSHError, match="offered a password; the server accepts publickey") as raised:
        client.connect_target()
    assert raised.value.kind == "authentication"


def test_a_command_ended_by_a_signal_is_told_as_such(hosts: Hosts, tmp_path: Path) -> None:
    with client_of(hosts, tmp_path, methods=("password",)).connect_target() as session:
        with pytest.raises(SSHError, match="'killed' was ended by signal KILL") as raised:
            session.run("killed")
        assert raised.value.kind == "signal"
        assert session.run("true").exit_status == 0


def test_a_command_without_an_exit_status_is_no_lost_connection(hosts: Hosts, tmp_path: Path) -> None:
    with client_of(hosts, tmp_path, methods=("password",)).connect_target() as session:
        with pytest.raises(SSHError, match="the host told no exit status"):
            session.run("silent")
        assert session.is_open


def test_an_answer_that_comes_at_once_is_not_overlooked(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sending thread continues only after the answer was read, as on a busy machine."""
    send, pause = paramiko.Transport._send_message, threading.Event()  # type: ignore[attr-defined]

    def slowly(transport: Any, message: paramiko.Message) -> None:
        send(transport, message)
        if threading.current_thread() is threading.main_thread():
            pause.wait(0.2)

    client = client_of(hosts, tmp_path, methods=("password",))
    monkeypatch.setattr(paramiko.Transport, "_send_message", slowly)
    monkeypatch.setattr("support.clients.ssh.client.CONNECT_TIMEOUT_S", 2.0)
    with client.connect_target() as session:
        assert session.is_open
