"""The SSH client: logins on the jump host, and on the target host behind it."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import paramiko

from support.clients.journal import Journal
from support.clients.settings import Host, SSHSettings
from support.clients.ssh.errors import SSHError
from support.clients.ssh.kept_session import KeptSession
from support.clients.ssh.known_hosts import Trust, read_known_hosts
from support.clients.ssh.login import Login, transport_for
from support.clients.ssh.private_key import load_private_key
from support.clients.ssh.session import TARGET, SSHSession, close_client, ended_after
from support.config.errors import ConfigurationError
from support.config.secrets import Unusable, read_secret
from support.waits import Stopwatch

CONNECT_TIMEOUT_S = 10.0
"""The limit for each step of a login, as the library counts the steps."""
LOGIN_TIMEOUT_S = 30.0
"""The limit for a login as a whole."""

# Failures are raised; the library's own reports on stderr would only be noise.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _WrongHostKey(paramiko.SSHException):
    pass


class _HostKeyCheck(paramiko.MissingHostKeyPolicy):
    """Checks host keys by known_hosts as OpenSSH reads it. The library's own table is empty: it asks for each host."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        objection = self._trust.objection_to(key.get_name(), key.asbytes())
        if objection is not None:
            raise _WrongHostKey(objection)


class SSHClient:
    """Opens sessions. Host keys must be known; an SSH agent and the user's own keys are never offered.

    The files in the settings are read now, and again for each login. Raises :class:`ConfigurationError` for a file that
    cannot be used: that is an error on this machine, and no host has been contacted.
    """

    def __init__(self, settings: SSHSettings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        read_known_hosts(settings.known_hosts)
        for host in (settings.jump, settings.target):
            if host is not None:
                self._login_of(host)

    def connect_jump(self) -> SSHSession:
        """Open a session on the jump host. Raises :class:`SSHError`."""
        if self._settings.jump is None:
            raise SSHError("unreachable", "the environment names no jump host")
        return self._connect(self._settings.jump, None)

    def connect_target(self) -> SSHSession:
        """Open a session on the target host, through the jump host if there is one. Raises :class:`SSHError`."""
        target, watch = self._settings.target, Stopwatch()
        if self._settings.jump is None:
            return self._connect(target, None)
        jump = self.connect_jump()
        with ExitStack() as undo:
            undo.callback(jump.close)
            channel = jump.open_channel(target.host, target.port)
            session = self._connect(target, jump, channel, watch)
            undo.pop_all()
        return session

    def keep_target(self, purpose: str) -> KeptSession:
        """Open a session on the target host for ``purpose`` that reconnects when lost. Raises :class:`SSHError`."""
        return KeptSession(self.connect_target, self._journal, purpose)

    def _connect(
        self,
        host: Host,
        jump: SSHSession | None,
        channel: paramiko.Channel | None = None,
        watch: Stopwatch | None = None,
    ) -> SSHSession:
        where = f"{host.user}@{host.host}:{host.port}"
        login = Stopwatch()
        try:
            client = self._login(host, channel)
        except SSHError as error:
            failure = SSHError(error.kind, self._journal.redact(f"{where}: {error}"))
            self._journal.record(TARGET, f"connect {where}", f"failed: {failure}", login.wall_s())
            raise failure from error.__cause__
        self._journal.record(TARGET, f"connect {where}", "logged in", login.wall_s())
        return SSHSession(client, where, (watch or login).given_s(), self._journal, jump)

    def _login(self, host: Host, channel: paramiko.Channel | None) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        try:
            trust = read_known_hosts(self._settings.known_hosts).of(host.host, host.port)
            login = self._login_of(host)
        except ConfigurationError as error:
            raise SSHError("configuration", str(error)) from error
        client.set_missing_host_key_policy(_HostKeyCheck(trust))
        with ExitStack() as undo:
            undo.callback(close_client, client)
            try:
                with ended_after(LOGIN_TIMEOUT_S, client):
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
            # An invalid host name raises UnicodeError in the resolver; a server that is not SSH may raise any of these.
            except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
                raise SSHError("unreachable", f"no SSH connection: {error or type(error).__name__}") from error
            undo.pop_all()
        return client

    def _login_of(self, host: Host) -> Login:
        """Return the login for a host, read from its settings. Raises :class:`ConfigurationError`."""
        name = f"ssh.{'target' if host is self._settings.target else 'jump'}"
        key = None if host.key_file is None else load_private_key(host.key_file, f"{name}.key_file", self._journal.hide)
        password = _password(host, f"{name}.password_file")
        if password is not None:
            self._journal.hide(password)
        elif key is None:
            raise ConfigurationError(f"{name}: neither a password nor a key is configured; allowed: one of them")
        return Login(host.user, key, password)


def _password(host: Host, setting: str) -> str | None:
    if host.password is not None:
        return host.password.get_secret_value()
    if host.password_file is None:
        return None
    try:
        return read_secret(host.password_file)
    except Unusable as error:
        raise ConfigurationError(f"{setting}: {error}") from error
