"""SSH: the jump host, the target host behind it, and ports forwarded through them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import paramiko

from support.clients.journal import Journal
from support.clients.settings import Host, SSHSettings
from support.clients.ssh.errors import SSHError
from support.clients.ssh.kept_session import KeptSession
from support.clients.ssh.known_hosts import Trust, read_known_hosts
from support.clients.ssh.login import Login, signal_of, transport_for
from support.clients.ssh.port_forward import LocalForward
from support.clients.ssh.private_key import load_private_key
from support.config.errors import ConfigurationError
from support.config.secrets import Unusable, read_secret

__all__ = ["CommandResult", "LocalForward", "SSHClient", "SSHError", "SSHSession"]

TARGET = "ssh"
CONNECT_TIMEOUT_S = 10.0
"""For each step of a login, as the library counts them."""
LOGIN_TIMEOUT_S = 30.0
"""For all of a login together."""
COMMAND_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 2.0
CHUNK = 32768
MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that a command may write; one that writes more is given up before it fills the memory."""

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


class _WrongHostKey(paramiko.SSHException):
    pass


class _HostKeyCheck(paramiko.MissingHostKeyPolicy):
    """Decides by known_hosts as OpenSSH reads it: the library's own table stays empty, so it asks for every host."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        objection = self._trust.objection_to(key.get_name(), key.asbytes())
        if objection is not None:
            raise _WrongHostKey(objection)


class SSHClient:
    """Opens sessions. Host keys must be known; no agent and no key of the user's own is ever offered.

    The files that the settings name are read now, and again for each login. Raises :class:`ConfigurationError` for one
    that cannot be used: that is a fault of this machine, and no host was asked.
    """

    def __init__(self, settings: SSHSettings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        read_known_hosts(settings.known_hosts)
        for host in (settings.jump, settings.target):
            if host is not None:
                self._login_of(host)

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

    def keep_target(self, purpose: str) -> KeptSession:
        """A session on the target host for ``purpose``, made again whenever it was lost. Raises :class:`SSHError`."""
        return KeptSession(self.connect_target, self._journal, purpose)

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
        try:
            trust = read_known_hosts(self._settings.known_hosts).of(host.host, host.port)
            login = self._login_of(host)
        except ConfigurationError as error:
            raise SSHError("configuration", str(error)) from error
        client.set_missing_host_key_policy(_HostKeyCheck(trust))
        with ExitStack() as undo:
            undo.callback(_close, client)
            try:
                with _ended_after(LOGIN_TIMEOUT_S, client):
                    client.connect(
                        host.host,
                        host.port,
                        host.user,
                        sock=channel,
                        timeout=CONNECT_TIMEOUT_S,
                        banner_timeout=CONNECT_TIMEOUT_S,
                        auth_timeout=CONNECT_TIMEOUT_S,
                        channel_timeout=CONNECT_TIMEOUT_S,
                        allow_agent=False,
                        look_for_keys=False,
                        auth_strategy=login,
                        transport_factory=transport_for(trust),
                    )
            except _WrongHostKey as error:
                raise SSHError("host_key", str(error)) from error
            except paramiko.AuthenticationException as error:
                raise SSHError("authentication", f"the login was refused: {error}") from error
            # A host name that is none is a UnicodeError of the resolver; a server that does not speak SSH any of them.
            except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
                raise SSHError("unreachable", f"no SSH connection: {error or type(error).__name__}") from error
            undo.pop_all()
        return client

    def _login_of(self, host: Host) -> Login:
        """How to log in to a host. Raises :class:`ConfigurationError`."""
        name = f"ssh.{'target' if host is self._settings.target else 'jump'}"
        key = None if host.key_file is None else load_private_key(host.key_file, f"{name}.key_file", self._journal.hide)
        password = _password(host, f"{name}.password_file")
        if password is not None:
            self._journal.hide(password)
        elif key is None:
            raise ConfigurationError(f"{name}: neither a password nor a key is configured; allowed: one of them")
        return Login(host.user, key, password)


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
            result = self._run(command, started, timeout_s)
        except SSHError as error:
            self._note(command, f"failed: {error}", started)
            raise
        except TimeoutError as error:
            self._note(command, f"not done after {timeout_s:g} s", started)
            raise SSHError("timeout", f"{self.where}: {command!r} was not done after {timeout_s:g} s") from error
        except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
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

    def _run(self, command: str, started_s: float, timeout_s: float) -> CommandResult:
        channel = self._transport().open_session(timeout=min(CONNECT_TIMEOUT_S, timeout_s))
        with channel, _ended_after(started_s + timeout_s - time.monotonic(), channel):
            channel.exec_command(command)
            channel.shutdown_write()
            # Both outputs are read while the command runs: one left unread would fill its window and block the command.
            errors = bytearray()
            reader = threading.Thread(target=_drain_stderr, args=(channel, errors), daemon=True)
            reader.start()
            output = bytearray()
            while (chunk := channel.recv(CHUNK)) and len(output) + len(errors) <= MOST_OUTPUT:
                output += chunk
            if len(output) + len(errors) > MOST_OUTPUT:
                raise SSHError("endless", f"{self.where}: {command!r} wrote more than {MOST_OUTPUT} bytes")
            reader.join()
            exit_status = channel.recv_exit_status()
            signal = signal_of(channel)
        if signal is not None:
            raise SSHError("signal", f"{self.where}: {command!r} was ended by signal {signal}")
        if exit_status == -1:
            lost = "the connection was lost while" if not self.is_open else "the host told no exit status when"
            raise SSHError("unreachable", f"{self.where}: {lost} {command!r} ran")
        duration_s = time.monotonic() - started_s
        text = output.decode(errors="replace"), bytes(errors).decode(errors="replace")
        return CommandResult(command, exit_status, text[0], text[1], duration_s)

    def _note(self, command: str, answer: str, started_s: float) -> None:
        self._journal.record(TARGET, f"{self.where} $ {command}", answer, time.monotonic() - started_s)


class _Endable(Protocol):
    def close(self) -> None: ...


@contextmanager
def _ended_after(seconds: float, what: _Endable) -> Iterator[None]:
    """Close ``what`` when the time is over, and raise :class:`TimeoutError`.

    Some waits of the library have no end (for the answer to a request to run a command), and others begin anew with
    whatever comes (for output).
    """
    over = threading.Event()

    def end() -> None:
        over.set()
        with suppress(paramiko.SSHException, OSError, EOFError):
            what.close()

    timer = threading.Timer(max(0.0, seconds), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        if over.is_set():
            raise TimeoutError(f"not done within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError(f"not done within {seconds:g} s")


def _close(client: paramiko.SSHClient) -> None:
    """Close and wait for the library's reading thread: the connection ends only when that has let go of it."""
    transport = client.get_transport()
    client.close()
    if transport is not None:
        transport.join(CLOSE_TIMEOUT_S)


def _drain_stderr(channel: paramiko.Channel, into: bytearray) -> None:
    """Ends with the channel, or when there is too much of it."""
    while (chunk := channel.recv_stderr(CHUNK)) and len(into) <= MOST_OUTPUT:
        into += chunk


def _password(host: Host, setting: str) -> str | None:
    if host.password is not None:
        return host.password.get_secret_value()
    if host.password_file is None:
        return None
    try:
        return read_secret(host.password_file)
    except Unusable as error:
        raise ConfigurationError(f"{setting}: {error}") from error
