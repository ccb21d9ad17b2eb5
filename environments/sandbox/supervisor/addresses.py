"""Addresses of one sandbox, chosen so that any number of sandboxes can run side by side.

Each sandbox owns one loopback block ``127.A.0.0/16`` for its nodes, pods and node ports. The endpoints that clients use
are on 127.0.0.1. If loopback has only that address, as on macOS, everything is there, each part on its own port, and
only one sandbox can run at a time, because its node ports are the usual ones.

A port is *reserved* by a bound socket that never listens. No other program can take it, connections to it are refused
while its process is down, and the process binds it with SO_REUSEPORT.
"""

from __future__ import annotations

import errno
import random
import socket
from dataclasses import dataclass

from environments.sandbox.shared.errors import StartError, UsageError

LOOPBACK = "127.0.0.1"
POD_NETWORK = "10.244"
"""The network of pods whose addresses do not exist on this machine: they appear only in the objects of the API."""
LOCK_PORT = 61_234
"""The sandbox that holds this port on the first address of a block owns the whole block."""
_FIRST_NODE = 10


@dataclass(frozen=True)
class Node:
    name: str
    address: str
    role: str


class _NoSuchAddress(Exception):
    """The address does not exist on this machine."""


class Addresses:
    """The loopback addresses and reserved ports of one sandbox; :meth:`release` gives everything back.

    ``which`` is ``block``, ``one``, or ``auto``, which takes a block if the machine has them. ``network`` holds the
    first two numbers of the pods' addresses. Raises :class:`StartError` if no address can be had.
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
        """Try to take the address for this sandbox; return whether that succeeded."""
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
        """The address with this number in the block; 127.0.0.1 if that is the only one."""
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
        """With only one address, check that the node ports are free; :class:`UsageError` names the first taken one."""
        for port in range(first, last + 1) if self.is_one else ():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections do not count
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
