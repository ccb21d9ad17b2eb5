"""A session on a host that reconnects when it is lost, for a tunnel that lasts a whole run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import paramiko

from support.clients.journal import Journal
from support.clients.ssh.errors import SSHError

TARGET = "ssh"


class Session(Protocol):
    """The part of an SSH session that is used here."""

    def open_channel(self, host: str, port: int) -> paramiko.Channel: ...

    def close(self) -> None: ...


class KeptSession:
    """A session that connects now, and again on the first use after it was lost. Safe to use from several threads.

    Only the connection is made again. Requests that were in flight over the lost one fail, and their callers decide how
    to go on. Raises :class:`SSHError`.
    """

    def __init__(self, connect: Callable[[], Session], journal: Journal, purpose: str) -> None:
        self._connect, self._journal, self._purpose = connect, journal, purpose
        self._lock = threading.Lock()
        self._closed = False
        self._session = connect()

    def open_channel(self, host: str, port: int) -> paramiko.Channel:
        """Open a connection from the host to another. If the host answers with a refusal, it is not asked again."""
        session = self._session
        try:
            return session.open_channel(host, port)
        except SSHError as error:
            if isinstance(error.__cause__, paramiko.ChannelException):
                raise
            return self._again(session, error).open_channel(host, port)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._session.close()

    def _again(self, lost: Session, why: SSHError) -> Session:
        """Replace the session ``lost`` by a new one, unless another thread has done so already."""
        with self._lock:
            if self._closed:
                raise SSHError("unreachable", f"{self._purpose}: it was closed")
            if self._session is lost:
                started_s = time.monotonic()
                lost.close()
                self._session = self._connect()
                note = f"the SSH connection was lost ({why}); it was made again"
                self._journal.record(TARGET, self._purpose, note, time.monotonic() - started_s)
            return self._session
