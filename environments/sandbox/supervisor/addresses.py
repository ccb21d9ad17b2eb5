"""Addresses of one sandbox, chosen so that any number of sandboxes can run beside each other.

Every sandbox owns one loopback block ``127.A.0.0/16``: nodes, pods and node ports live there. The endpoints a client
is told about are on 127.0.0.1. A port is *reserved* by a bound socket that never listens: nobody else can take it,
connections to it are refused while its process is down, and the process binds it with SO_REUSEPORT.
"""

from __future__ import annotations

import errno
import random
import socket
from dataclasses import dataclass

from environments.sandbox.shared.errors import StartError, UsageError

LOOPBACK = "127.0.0.1"
_BLOCK_LOCK_PORT = 61_234
_FIRST_NODE = 10


@dataclass(frozen=True)
class Node:
    name: str
    address: str
    role: str


class Addresses:
    """The block and the reserved ports of one sandbox; :meth:`release` gives everything back."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.network = self._take_block()

    def _take_block(self) -> str:
        for number in random.sample(range(16, 250), 234):
            lock = socket.socket()
            try:
                lock.bind((f"127.{number}.0.1", _BLOCK_LOCK_PORT))
            except OSError as error:
                lock.close()
                if error.errno == errno.EADDRNOTAVAIL:
                    raise StartError(
                        f"127.{number}.0.1 is not an address of this machine: the sandbox needs the whole block"
                        " 127.0.0.0/8, as Linux has it; macOS answers on 127.0.0.1 only - use Linux, or a container"
                    ) from None
                continue
            self._sockets.append(lock)
            return f"127.{number}"
        raise StartError("no loopback block is free: 234 sandboxes already run on this machine")

    def nodes(self, workers: int) -> list[Node]:
        """One master node and ``workers`` worker nodes."""
        found = [Node("master-node", f"{self.network}.0.{_FIRST_NODE}", "master")]
        for index in range(1, workers + 1):
            found.append(Node(f"worker-node-{index}", f"{self.network}.0.{_FIRST_NODE + index}", "worker"))
        return found

    def reserve(self, purpose: str, port: int = 0) -> int:
        """Reserve ``port`` (0: any free one) on 127.0.0.1 for ``purpose``; :class:`UsageError` if it is taken."""
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            holder.bind((LOOPBACK, port))
        except OSError as error:
            holder.close()
            raise UsageError(
                f"port {port} for {purpose} is already taken: {error.strerror}; choose another one"
            ) from None
        if port and _somebody_listens(port):
            holder.close()
            raise UsageError(f"port {port} for {purpose} is already taken: something answers on it; choose another one")
        self._sockets.append(holder)
        return int(holder.getsockname()[1])

    def release(self) -> None:
        while self._sockets:
            self._sockets.pop().close()


def _somebody_listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
