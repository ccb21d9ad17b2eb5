"""A local port that is forwarded through an SSH session to a host that only this session can reach."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol

import paramiko

from support.clients.ssh.errors import SSHError

CHUNK = 32768


class Forwarder(Protocol):
    """A session that can open connections from its host."""

    def open_channel(self, host: str, port: int) -> paramiko.Channel: ...


class LocalForward:
    """Listens on 127.0.0.1 and forwards each connection to ``host``:``port``, resolved by the session's host.

    A connection that the session refuses to forward is closed at once; :attr:`failure` says why.
    """

    def __init__(self, session: Forwarder, host: str, port: int) -> None:
        self._session, self._host, self._port = session, host, port
        self._lock = threading.Lock()
        self._open: set[_Carried] = set()
        self._failure: SSHError | None = None
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._acceptor = threading.Thread(target=self._accept, name=f"forward to {host}:{port}", daemon=True)
        self._acceptor.start()

    @property
    def local_port(self) -> int:
        """The port it listens on; 0 once it is closed."""
        return int(self._listener.getsockname()[1]) if not self._closed else 0

    @property
    def failure(self) -> SSHError | None:
        """The reason why the latest connection was refused, or None if it was forwarded."""
        return self._failure

    def close(self) -> None:
        """Stop listening and end every connection."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            carried = list(self._open)
        # On Linux, closing alone does not wake the thread that waits in accept. On other systems it does, and shutdown
        # fails.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in carried:
            connection.close()
        self._acceptor.join(2.0)

    def __enter__(self) -> LocalForward:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError as error:
                if not self._closed:
                    self._failure = SSHError("unreachable", f"the forwarded port stopped listening: {error}")
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            channel = self._session.open_channel(self._host, self._port)
        except SSHError as error:
            self._failure = error
            client.close()
            return
        self._failure = None
        connection = _Carried(client, channel)
        with self._lock:
            self._open.add(connection)
            closed = self._closed
        if closed:
            connection.close()
        connection.run()
        with self._lock:
            self._open.discard(connection)


class _Carried:
    """One forwarded connection with two directions, each of which ends by itself."""

    def __init__(self, client: socket.socket, channel: paramiko.Channel) -> None:
        self._client, self._channel = client, channel

    def run(self) -> None:
        outward = threading.Thread(target=self._outward, daemon=True)
        outward.start()
        _copy(self._channel.recv, self._client.sendall, lambda: self._client.shutdown(socket.SHUT_WR))
        if self._channel.closed:  # nothing can be sent any more, as when the SSH connection was lost
            self.close()
        outward.join()
        self.close()

    def close(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):  # the SSH connection itself may be lost
            self._channel.close()
        with suppress(OSError):  # The other side may have been faster.
            self._client.shutdown(socket.SHUT_RDWR)
        self._client.close()

    def _outward(self) -> None:
        _copy(self._client.recv, self._channel.sendall, self._channel.shutdown_write)


def _copy(receive: Callable[[int], bytes], send: Callable[[bytes], object], end: Callable[[], object]) -> None:
    """Copy one direction until its source ends. A broken connection counts as the end: the other side sees it close."""
    try:
        while chunk := receive(CHUNK):
            send(chunk)
        end()
    except (OSError, EOFError, paramiko.SSHException):
        return
