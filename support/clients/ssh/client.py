"""SSH: the jump host, the target host behind it, and ports forwarded through them."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn

import paramiko
from pydantic import SecretStr

from support.clients.journal import Journal
from support.clients.settings import Host, SSHSettings
from support.clients.ssh.errors import SSHError
from support.clients.ssh.port_forward import LocalForward

__all__ = ["CommandResult", "LocalForward", "SSHClient", "SSHError", "SSHSession"]

TARGET = "ssh"
CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 2.0
CHUNK = 32768

# Failures are raised; the library's own report of them on stderr would only be noise.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class CommandResult:
    """What a command on a host did; ``duration_s`` runs from sending it to its exit status."""

    command: str
    exit_status: int
    stdout: str
    stderr: str
    duration_s: float


class _UnknownHostKey(paramiko.SSHException):
    pass


class _Reject(paramiko.RejectPolicy):
    """The library's refusal, told apart from its other errors."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> NoReturn:
        raise _UnknownHostKey(f"its host key is not in known_hosts ({key.get_name()} of {hostname})")


class SSHClient:
    """Opens sessions. Host keys must be known; no agent and no key of the user's own is ever offered."""

    def __init__(self, settings: SSHSettings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal

    def connect_jump(self) -> SSHSession:
        """A session on the jump host. Raises :class:`SSHError`."""
        if self._settings.jump is None:
            raise SSHError("unreachable", "the environment names no jump host")
        return self._connect(self._settings.jump, None)

    def connect_target(self) -> SSHSession:
        """A session on the target host, through the jump host if there is one. Raises :class:`SSHError`."""
        target, started = self._settings.target, time.monotonic()
        if self._settings.jump is None:
            return self._connect(target, None)
        jump = self.connect_jump()
        with ExitStack() as undo:
            undo.callback(jump.close)
            channel = jump.open_channel(target.host, target.port)
            session = self._connect(target, jump, channel, started)
            undo.pop_all()
        return session

    def _connect(
        self,
        host: Host,
        jump: SSHSession | None,
        channel: paramiko.Channel | None = None,
        started_s: float | None = None,
    ) -> SSHSession:
        where = f"{host.user}@{host.host}:{host.port}"
        began_s = time.monotonic()
        try:
            client = self._login(host, channel)
        except SSHError as error:
            failure = SSHError(error.kind, self._journal.redact(f"{where}: {error}"))
            self._journal.record(TARGET, f"connect {where}", f"failed: {failure}", time.monotonic() - began_s)
            raise failure from error.__cause__
        ended_s = time.monotonic()
        self._journal.record(TARGET, f"connect {where}", "logged in", ended_s - began_s)
        return SSHSession(client, where, ended_s - (started_s or began_s), self._journal, jump)

    def _login(self, host: Host, channel: paramiko.Channel | None) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Reject())
        password, key_file = _password(host), _key_file(host)
        if password is not None:
            self._journal.hide(password)
        elif key_file is None:
            raise SSHError("authentication", "neither a password nor a key is configured")
        try:
            client.load_system_host_keys(str(self._settings.known_hosts))
        except OSError as error:
            raise SSHError("host_key", f"known_hosts cannot be read: {error}") from error
        with ExitStack() as undo:
            undo.callback(_close, client)
            try:
                client.connect(
                    host.host,
                    host.port,
                    host.user,
                    password,
                    key_filename=key_file,
                    sock=channel,
                    timeout=CONNECT_TIMEOUT_S,
                    banner_timeout=CONNECT_TIMEOUT_S,
                    auth_timeout=CONNECT_TIMEOUT_S,
                    channel_timeout=CONNECT_TIMEOUT_S,
                    allow_agent=False,
                    look_for_keys=False,
                )
            except paramiko.BadHostKeyException as error:
                raise SSHError("host_key", "its host key is not the one in known_hosts") from error
            except _UnknownHostKey as error:
                raise SSHError("host_key", str(error)) from error
            except paramiko.AuthenticationException as error:
                raise SSHError("authentication", f"the login was refused: {error}") from error
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise SSHError("unreachable", f"no SSH connection: {error or type(error).__name__}") from error
            undo.pop_all()
        return client


class SSHSession:
    """A login on a host. ``connect_duration_s`` runs from the first packet, jump host included, to being logged in."""

    def __init__(
        self,
        client: paramiko.SSHClient,
        where: str,
        connect_duration_s: float,
        journal: Journal,
        jump: SSHSession | None = None,
    ) -> None:
        self.where = where
        self.connect_duration_s = connect_duration_s
        self._client = client
        self._journal = journal
        self._jump = jump

    def run(self, command: str, timeout_s: float = COMMAND_TIMEOUT_S) -> CommandResult:
        """Run a command to its end. Raises :class:`SSHError`, with kind ``timeout`` when ``timeout_s`` is over."""
        started = time.monotonic()
        try:
            result = self._run(command, started, started + timeout_s)
        except SSHError as error:
            self._note(command, f"failed: {error}", started)
            raise
        except TimeoutError as error:
            self._note(command, f"not done after {timeout_s:g} s", started)
            raise SSHError("timeout", f"{self.where}: {command!r} was not done after {timeout_s:g} s") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            self._note(command, f"failed: {error}", started)
            raise SSHError("unreachable", f"{self.where}: {command!r} could not be run: {error}") from error
        self._note(command, f"exit {result.exit_status}\n{result.stdout}{result.stderr}", started)
        return result

    def open_channel(self, host: str, port: int) -> paramiko.Channel:
        """A connection from this host to another. Raises :class:`SSHError`, ``forward_refused`` when it says no."""
        try:
            return self._transport().open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=CONNECT_TIMEOUT_S
            )
        except paramiko.ChannelException as error:
            kind = "forward_refused" if error.code == 1 else "unreachable"
            raise SSHError(kind, f"{self.where} did not forward to {host}:{port}: {error.text}") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise SSHError("unreachable", f"{self.where} did not forward to {host}:{port}: {error}") from error

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        transport = self._client.get_transport()
        return transport is not None and transport.is_active()

    def close(self) -> None:
        """Close this session and the jump session under it."""
        _close(self._client)
        if self._jump is not None:
            self._jump.close()

    def __enter__(self) -> SSHSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise SSHError("unreachable", f"{self.where}: the connection is closed")
        return transport

    def _run(self, command: str, started_s: float, deadline_s: float) -> CommandResult:
        channel = self._transport().open_session(timeout=CONNECT_TIMEOUT_S)
        with channel:
            channel.settimeout(max(0.001, deadline_s - time.monotonic()))
            channel.exec_command(command)
            channel.shutdown_write()
            # Both outputs are read while the command runs: one left unread would fill its window and block the command.
            errors = bytearray()
            reader = threading.Thread(target=_drain_stderr, args=(channel, errors), daemon=True)
            reader.start()
            output = bytearray()
            while chunk := channel.recv(CHUNK):
                output += chunk
                channel.settimeout(max(0.001, deadline_s - time.monotonic()))
            reader.join(max(0.001, deadline_s - time.monotonic()))
            if not channel.status_event.wait(max(0.001, deadline_s - time.monotonic())):
                raise TimeoutError
            exit_status = channel.recv_exit_status()
        if exit_status == -1:
            raise SSHError("unreachable", f"{self.where}: the connection was lost while {command!r} ran")
        duration_s = time.monotonic() - started_s
        text = output.decode(errors="replace"), bytes(errors).decode(errors="replace")
        return CommandResult(command, exit_status, text[0], text[1], duration_s)

    def _note(self, command: str, answer: str, started_s: float) -> None:
        self._journal.record(TARGET, f"{self.where} $ {command}", answer, time.monotonic() - started_s)


def _close(client: paramiko.SSHClient) -> None:
    """Close and wait for the library's reading thread: the connection ends only when that has let go of it."""
    transport = client.get_transport()
    client.close()
    if transport is not None:
        transport.join(CLOSE_TIMEOUT_S)


def _drain_stderr(channel: paramiko.Channel, into: bytearray) -> None:
    try:
        while chunk := channel.recv_stderr(CHUNK):
            into += chunk
    except OSError:
        # Out of time: the reader of stdout, which has the same deadline, reports it.
        return


def _password(host: Host) -> str | None:
    if host.password is not None:
        return _plain(host.password)
    if host.password_file is None:
        return None
    try:
        return host.password_file.read_text().rstrip("\r\n")
    except OSError as error:
        raise SSHError("authentication", f"the password file cannot be read: {error}") from error


def _key_file(host: Host) -> str | None:
    if host.key_file is None:
        return None
    if not host.key_file.is_file():
        raise SSHError("authentication", f"the key file {host.key_file} does not exist")
    return str(host.key_file)


def _plain(secret: SecretStr) -> str:
    return secret.get_secret_value()
