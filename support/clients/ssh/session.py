"""A session on a host: commands, and channels from there to other hosts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import paramiko

from support.clients.journal import Journal
from support.clients.ssh.errors import SSHError
from support.clients.ssh.login import signal_of

TARGET = "ssh"
CHANNEL_TIMEOUT_S = 10.0
"""The limit for opening a channel."""
COMMAND_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 2.0
CHUNK = 32768
MOST_OUTPUT = 64 * 1024 * 1024
"""The bytes that a command may write. A command that writes more is ended before it fills the memory."""


@dataclass(frozen=True)
class CommandResult:
    """The result of a command on a host. ``duration_s`` runs from sending it to its exit status."""

    command: str
    exit_status: int
    stdout: str
    stderr: str
    duration_s: float


class SSHSession:
    """A session on a host. ``connect_duration_s`` runs from the first packet to the login, jump host included,
    without the time for which the suite had no processor (``support.processor``)."""

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
        """Run a command to its end. Raises :class:`SSHError`, of kind ``timeout`` if ``timeout_s`` is exceeded."""
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
        """Open a connection from this host to another. Raises :class:`SSHError`, of kind ``forward_refused`` if this
        host refuses."""
        try:
            return self._transport().open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=CHANNEL_TIMEOUT_S
            )
        except paramiko.ChannelException as error:
            kind = "forward_refused" if error.code == 1 else "unreachable"
            raise SSHError(kind, f"{self.where} did not forward to {host}:{port}: {error.text}") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise SSHError("unreachable", f"{self.where} did not forward to {host}:{port}: {error}") from error

    @property
    def is_open(self) -> bool:
        """Whether the connection is up."""
        transport = self._client.get_transport()
        return transport is not None and transport.is_active()

    def close(self) -> None:
        """Close this session and the jump session under it."""
        close_client(self._client)
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
        channel = self._transport().open_session(timeout=min(CHANNEL_TIMEOUT_S, timeout_s))
        with channel, ended_after(started_s + timeout_s - time.monotonic(), channel):
            channel.exec_command(command)
            channel.shutdown_write()
            # Read both outputs while the command runs: an unread one would fill its window and block the command.
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
def ended_after(seconds: float, what: _Endable) -> Iterator[None]:
    """Close ``what`` if the ``with`` block takes longer than ``seconds``, and raise :class:`TimeoutError`.

    Some waits of the library have no limit (for the answer to a request to run a command). Others start again with each
    piece that arrives (for output).
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


def close_client(client: paramiko.SSHClient) -> None:
    """Close the client and wait for the library's reading thread, which holds the connection open until it ends."""
    transport = client.get_transport()
    client.close()
    if transport is not None:
        transport.join(CLOSE_TIMEOUT_S)


def _drain_stderr(channel: paramiko.Channel, into: bytearray) -> None:
    """Read stderr until the channel ends, or until there is too much output."""
    while (chunk := channel.recv_stderr(CHUNK)) and len(into) <= MOST_OUTPUT:
        into += chunk
