"""Addresses of one sandbox, chosen so that any number of sandboxes can run beside each other.

Every sandbox owns one loopback block ``127.A.0.0/16``: nodes, pods and node ports live there. The endpoints a client
is told about are on 127.0.0.1. Where loopback has that one address only, as on macOS, everything is there, each with a
port of its own, and one sandbox at a time: the node ports are those that everybody expects.

A port is *reserved* by a bound socket that never listens: nobody else can take it, connections to it are refused while
its process is down, and the process binds it with SO_REUSEPORT.
"""

from __future__ import annotations

import errno
import random
import socket
from dataclasses import dataclass

from environments.sandbox.shared.errors import StartError, UsageError

LOOPBACK = "127.0.0.1"
POD_NETWORK = "10.244"
"""Of pods whose addresses are not those of this machine: they stand in the objects of the API only."""
LOCK_PORT = 61_234
"""Whoever holds it at the first address of a block has the whole block."""
_FIRST_NODE = 10


@dataclass(frozen=True)
class Node:
    name: str
    address: str
    role: str


class _NoSuchAddress(Exception):
    """This machine does not have it."""


class Addresses:
    """What one sandbox takes of the loopback, and its reserved ports; :meth:`release` gives everything back.

    ``which`` is ``block``, ``one``, or ``auto``: the block where there is one. ``network`` holds the first two numbers
    of the addresses of pods. Raises :class:`StartError` where there is none to have.
    """

    def __init__(self, which: str = "auto") -> None:
        self._sockets: list[socket.socket] = []
        block = None if which == "one" else self._take_block(needed=which == "block")
        self.is_one = block is None
        if self.is_one and not self._lock(LOOPBACK):
            raise StartError(f"another sandbox has {LOOPBACK} for itself: with addresses=one there is one at a time")
        self.network = block or POD_NETWORK

    def _take_block(self, needed: bool) -> str | None:
        for number in random.sample(range(16, 250), 234):
            try:
                if self._lock(f"127.{number}.0.1"):
                    return f"127.{number}"
            except _NoSuchAddress as error:
                if not needed:
                    return None
                raise StartError(
                    f"{error} is not an address of this machine: addresses=block needs the whole block 127.0.0.0/8, as"
                    " Linux has it; where 127.0.0.1 is the only one, as on macOS, use addresses=one"
                ) from None
        raise StartError("no loopback block is free: 234 sandboxes already run on this machine")

    def _lock(self, address: str) -> bool:
        """Whether the address is ours from now on."""
        lock = socket.socket()
        try:
            lock.bind((address, LOCK_PORT))
        except OSError as error:
            lock.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise _NoSuchAddress(address) from None
            return False
        self._sockets.append(lock)
        return True

    def at(self, number: int) -> str:
        """The address of everything that has one of its own where there are several."""
        return LOOPBACK if self.is_one else f"{self.network}.0.{number}"

    def nodes(self, workers: int) -> list[Node]:
        """One master node and ``workers`` worker nodes."""
        found = [Node("master-node", self.at(_FIRST_NODE), "master")]
        for index in range(1, workers + 1):
            found.append(Node(f"worker-node-{index}", self.at(_FIRST_NODE + index), "worker"))
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

    def look_at_node_ports(self, first: int, last: int) -> None:
        """Where there is one address only, others may have them: :class:`UsageError` names the first that is taken."""
        for port in range(first, last + 1) if self.is_one else ():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that were there do not count
                try:
                    probe.bind((LOOPBACK, port))
                except OSError as error:
                    raise UsageError(
                        f"node port {port} is already taken on {LOOPBACK}: {error.strerror}; choose others with"
                        " --set nodeport_first and nodeport_last"
                    ) from None

    def release(self) -> None:
        while self._sockets:
            self._sockets.pop().close()


def _somebody_listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
