"""The client of RabbitMQ: logins and exchanges over AMQP, queues through the management interface.

The AMQP library is an extra (``amqp``): an environment without a broker does not need it.
"""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from support.clients.deadline import Deadline, session, watched
from support.clients.journal import Journal
from support.clients.settings import BrokerSettings
from support.waits import Stopwatch

TARGET = "rabbitmq"
_FIRST_WORD = b"AMQP\x00\x00\x09\x01"
_ACCESS_REFUSED, _NOT_FOUND, _NOT_ALLOWED = 403, 404, 530
_OF_A_JOB = re.compile(r"grpc-job-(?P<data>\d+-\d+)-.*|focus_baby\.(?P<commands>.+)")
"""The names of an investigation's queues: the one for its data and the one for its commands
(docs/facts/kubernetes.md 3)."""
_TIMEOUT_S = 5.0
_LOGIN_S = 20.0
"""The limit for a login as a whole: a broker that has just started makes a client wait for some seconds."""


class BrokerError(Exception):
    """The broker could not be reached, or refused a request. The message is one sentence."""


@dataclass(frozen=True)
class BrokerOutcome:
    """The result of a login: ``kind`` is ``ok``, ``authentication_failed``, ``no_vhost`` or ``unreachable``.

    ``duration_s`` leaves out what the suite had no processor for (``support.processor``).
    """

    kind: str
    message: str
    duration_s: float


def owner_of(queue: str) -> str | None:
    """Return the job id in the name of an investigation's queue; None for any other queue."""
    found = _OF_A_JOB.fullmatch(queue)
    return found and (found["data"] or found["commands"])


class BrokerClient:
    """A client of the broker. Each call makes one attempt, on a connection of its own that is closed again."""

    def __init__(self, settings: BrokerSettings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        journal.hide(settings.password.get_secret_value())

    @property
    def wrong_password(self) -> str:
        """A password that differs from the configured one."""
        return f"not-{self._settings.password.get_secret_value()}"

    def greet(self) -> None:
        """Send the AMQP protocol header and disconnect, so that a broker that starts with its first client starts now.

        Connection errors are ignored: the login reports them.
        """
        address = self._settings.host, self._settings.port
        with suppress(OSError), socket.create_connection(address, _TIMEOUT_S) as connection:
            connection.sendall(_FIRST_WORD)
        self._journal.record(TARGET, f"greet {address[0]}:{address[1]}", "left", 0.0)

    def log_in(self, password: str | None = None) -> BrokerOutcome:
        """Log in to the virtual host, as configured or with another password."""
        watch = Stopwatch()
        try:
            with self._channel(password):
                pass
        except BrokerFailure as failure:
            return self._noted(BrokerOutcome(failure.kind, str(failure), watch.given_s()))
        return self._noted(BrokerOutcome("ok", "logged in", watch.given_s()))

    def has_exchange(self, name: str) -> bool:
        """Whether an exchange of this name exists, of any type. Raises :class:`BrokerError`."""
        from pika.exceptions import ChannelClosedByBroker

        with self._channel() as channel:
            try:
                channel.exchange_declare(name, passive=True)
            except ChannelClosedByBroker as closed:
                if closed.reply_code == _NOT_FOUND:
                    return False
                raise BrokerError(f"the broker refused to tell of exchange {name}: {closed.reply_text}") from closed
        return True

    def queues(self) -> list[str]:
        """Return the names of all queues of the virtual host. Raises :class:`BrokerError`."""
        settings = self._settings
        vhost = quote(settings.vhost, safe="")
        url = f"http://{settings.host}:{settings.management_port}/api/queues/{vhost}?columns=name"
        started = time.monotonic()
        try:
            with session() as asking, watched(Deadline(_TIMEOUT_S, _TIMEOUT_S)):
                answer = asking.get(url, auth=(settings.user, settings.password.get_secret_value()), timeout=_TIMEOUT_S)
            answer.raise_for_status()
            names = [str(queue["name"]) for queue in answer.json()]
        except (requests.RequestException, TimeoutError, KeyError, TypeError, ValueError) as error:
            raise BrokerError(self._journal.redact(f"the broker does not tell its queues: {error}")) from error
        self._journal.record(TARGET, f"GET {url}", f"{answer.status_code} {names}", time.monotonic() - started)
        return names

    def queues_of(self, job_id: str) -> list[str]:
        """Return the names of the queues of one investigation. Raises :class:`BrokerError`."""
        return [name for name in self.queues() if owner_of(name) == job_id]

    @contextmanager
    def _channel(self, password: str | None = None) -> Iterator[Any]:
        """Open a channel on a connection of its own. Raises :class:`BrokerFailure`, or :class:`BrokerError` if the AMQP
        library is not installed."""
        try:
            import pika
            from pika import exceptions
            from pika.adapters.utils.connection_workflow import AMQPConnectorException
        except ImportError as missing:
            raise BrokerError("the AMQP client is not installed: pip install focus-acceptance[amqp]") from missing
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # this client reports failures
        settings = self._settings
        word = settings.password.get_secret_value() if password is None else password
        self._journal.hide(word)
        parameters = pika.ConnectionParameters(
            settings.host,
            settings.port,
            settings.vhost,
            pika.PlainCredentials(settings.user, word),
            socket_timeout=_TIMEOUT_S,
            stack_timeout=_LOGIN_S,
            blocked_connection_timeout=_TIMEOUT_S,
        )
        try:
            connection = pika.BlockingConnection(parameters)
        except (exceptions.AMQPError, AMQPConnectorException, OSError) as error:  # a login time-out is no AMQPError
            raise _failure(error, self._journal) from error
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()

    def _noted(self, outcome: BrokerOutcome) -> BrokerOutcome:
        what = f"log in to {self._settings.host}:{self._settings.port}{self._settings.vhost}"
        self._journal.record(TARGET, what, f"{outcome.kind}: {outcome.message}", outcome.duration_s)
        return outcome


class BrokerFailure(BrokerError):
    """A login failed. ``kind`` says why, see :class:`BrokerOutcome`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _failure(error: Exception, journal: Journal) -> BrokerFailure:
    from pika import exceptions

    text = journal.redact(" ".join(str(error).split()) or repr(error))
    code = getattr(error, "reply_code", None)
    if isinstance(error, exceptions.ProbableAuthenticationError) or code == _ACCESS_REFUSED:
        return BrokerFailure("authentication_failed", f"the broker did not let us in: {text}")
    if isinstance(error, exceptions.ProbableAccessDeniedError) or code == _NOT_ALLOWED:
        return BrokerFailure("no_vhost", f"the broker has no such virtual host for us: {text}")
    return BrokerFailure("unreachable", f"the broker was not reached: {text}")
