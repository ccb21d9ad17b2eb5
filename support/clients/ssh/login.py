"""A login that works like that of OpenSSH's client, and a transport that keeps the exit signal of a remote command."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import paramiko
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.auth_strategy import AuthSource, AuthStrategy, SourceResult
from paramiko.common import MSG_CHANNEL_REQUEST, cMSG_SERVICE_REQUEST, cMSG_USERAUTH_REQUEST
from paramiko.transport import ServiceRequestingTransport

from support.clients.ssh.known_hosts import Trust

_INTERACTIVE = "keyboard-interactive"
_LOOK_EVERY_S = 0.05


class Login(AuthStrategy):
    """Asks which methods the server accepts and offers them in ssh's order: key, password to its prompts, password.

    A server may require several of them, one after the other. Raises :class:`paramiko.AuthenticationException`.
    """

    def __init__(self, user: str, key: paramiko.PKey | None, password: str | None) -> None:
        super().__init__(ssh_config=paramiko.SSHConfig())
        self._user, self._key, self._password = user, key, password
        self._prompts: list[str] = []

    def get_sources(self) -> Iterator[AuthSource]:
        """Yield nothing: the library's own loop treats a partial login as complete."""
        yield from ()

    def authenticate(self, transport: paramiko.Transport) -> list[SourceResult]:
        self._log_in(transport)
        return []

    def _log_in(self, transport: paramiko.Transport) -> None:
        try:
            transport.auth_none(self._user)
            return
        except paramiko.BadAuthenticationType as error:
            accepted: Sequence[str] = error.allowed_types
        methods = self._methods(transport)
        while True:
            usable = [name for name in methods if name in accepted]
            if not usable:
                raise paramiko.AuthenticationException(self._why(accepted))
            remaining = self._offered(methods.pop(usable[0]))
            if remaining == []:
                return
            accepted = remaining if remaining is not None else accepted

    def _methods(self, transport: paramiko.Transport) -> dict[str, Callable[[], Sequence[str]]]:
        methods: dict[str, Callable[[], Sequence[str]]] = {}
        key, password = self._key, self._password
        if key is not None:
            methods["publickey"] = lambda: transport.auth_publickey(self._user, key)
        if password is not None:
            methods[_INTERACTIVE] = lambda: transport.auth_interactive(self._user, self._answers)
            methods["password"] = lambda: transport.auth_password(self._user, password, fallback=False)
        return methods

    def _offered(self, method: Callable[[], Sequence[str]]) -> Sequence[str] | None:
        """Try one method. Returns the methods that the server still requires, [] if none, or None if it refused."""
        try:
            return list(method())
        except paramiko.AuthenticationException:
            return None

    def _answers(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        """Answer prompts with hidden input by the password, and those that show their input by an empty text."""
        self._prompts += [text.strip() for text, _ in prompts]
        return ["" if shown else self._password or "" for _, shown in prompts]

    def _why(self, accepted: Sequence[str]) -> str:
        given = [name for name, value in (("a key", self._key), ("a password", self._password)) if value is not None]
        asked = f", and asked {', '.join(map(repr, self._prompts))}" if self._prompts else ""
        offer = f"it was offered {' and '.join(given)}; the server accepts {', '.join(accepted)}"
        return f"Authentication failed: {offer}{asked}"


def transport_for(trust: Trust) -> Callable[..., paramiko.Transport]:
    """Return a factory of transports to a host that prefer the host key algorithms known for it."""

    def make(sock: Any, **options: Any) -> paramiko.Transport:
        transport = _Transport(sock, **options)
        algorithms = transport.get_security_options()
        algorithms.key_types = tuple(trust.algorithms(algorithms.key_types))
        return transport

    return make


def signal_of(channel: paramiko.Channel) -> str | None:
    """Return the name of the signal that ended the command of a channel, without ``SIG``; None if none was reported."""
    name: str | None = getattr(channel, "exit_signal", None)
    return name


def _note_signal(channel: Any, message: paramiko.Message) -> None:
    """Keep the ``exit-signal`` (RFC 4254, section 6.10) of a command.

    The library drops it, so that such a command seems to end without a status.
    """
    if message.get_text() == "exit-signal":
        message.get_boolean()
        channel.exit_signal = message.get_text()
    message.rewind()
    message.get_int()
    paramiko.Channel._handle_request(channel, message)  # type: ignore[attr-defined]  # not in its type information


class _Transport(ServiceRequestingTransport):
    """A transport that requests the login service once, as the protocol says: some servers end at a second request."""

    _channel_handler_table = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # not in its type information
        MSG_CHANNEL_REQUEST: _note_signal,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._accepted = threading.Event()
        super().__init__(*arguments, **options)

    def ensure_session(self) -> None:
        """Request the login service. The library's method waits forever if the server goes away before it accepts."""
        if self.auth_handler is not None and self._accepted.is_set():
            return
        message = paramiko.Message()
        message.add_byte(cMSG_SERVICE_REQUEST)
        message.add_string("ssh-userauth")
        self._send_message(message)  # type: ignore[attr-defined]  # not in its type information
        deadline_s = time.monotonic() + self.auth_timeout
        while not self._accepted.wait(_LOOK_EVERY_S):
            if not self.is_active() or time.monotonic() > deadline_s:
                raise paramiko.SSHException("the server did not let the login begin")
        self.auth_handler = self.get_auth_handler()

    def get_auth_handler(self) -> AuthOnlyHandler:
        return _AuthHandler(self)

    def _parse_service_accept(self, message: paramiko.Message) -> None:
        if message.get_text() == "ssh-userauth":
            self._accepted.set()


class _AuthHandler(AuthOnlyHandler):
    """The library's handler with two errors of version 5.1.0 corrected.

    The library creates the event it waits for after sending the request. An answer that comes before that sets no
    event: the login then fails with "Authentication timeout" although the server has accepted it. The library also
    calls None as a function for a request without a body, such as that of ``none`` (findings/paramiko_auth_none.sh).
    """

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[paramiko.Message], None] | None = None
    ) -> list[str]:
        self.auth_method, self.username = method, username
        self.auth_event = threading.Event()
        message = paramiko.Message()
        message.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (username, "ssh-connection", method):
            message.add_string(text)
        if finish_message is not None:
            finish_message(message)
        transport: Any = self.transport
        with transport.lock:
            transport._send_message(message)
        answered: list[str] = self.wait_for_response(self.auth_event)
        return answered
