"""Addresses of pods and the sockets that listen for them."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from environments.sandbox.node.relay import Endpoint

_BACKLOG = 32
_LOOPBACK = "127.0.0.1"


class PodNetwork:
    """The second and following /24 blocks of ``network``, which is given as the first two numbers of its addresses.

    In a loopback network pods listen at their own addresses. The addresses of any other network appear in API objects
    only: there each port of a pod is a free port of 127.0.0.1, which can be found only through :meth:`where`.
    ``changed`` is called with the address when one of its ports opens or closes.
    """

    def __init__(self, network: str, changed: Callable[[str], None]) -> None:
        self._network = network
        self._on_loopback = network.startswith("127.")
        self._changed = changed
        self._next = 0
        self._returned: list[int] = []
        self._open: dict[Endpoint, asyncio.Server] = {}

    @property
    def taken(self) -> int:
        """The number of addresses in use."""
        return self._next - len(self._returned)

    def take_address(self) -> str:
        """Take the lowest free address for a pod."""
        if self._returned:
            number = heapq.heappop(self._returned)
        else:
            number, self._next = self._next, self._next + 1
        third, fourth = divmod(number, 254)
        return f"{self._network}.{third + 1}.{fourth + 1}"

    def return_address(self, address: str) -> None:
        third, fourth = (int(part) for part in address.split(".")[2:])
        heapq.heappush(self._returned, (third - 1) * 254 + fourth - 1)

    def is_open(self, endpoint: Endpoint) -> bool:
        return endpoint in self._open

    def where(self, endpoint: Endpoint) -> Endpoint | None:
        """Return the address on this machine where the port of a pod listens; None while it is closed."""
        server = self._open.get(endpoint)
        return server.sockets[0].getsockname() if server is not None and server.sockets else None

    async def listen(self, endpoint: Endpoint, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Accept connections to the port of a pod. The pod calls :meth:`close` even if it is cancelled in this call.

        The server is registered before it starts to serve. Otherwise asyncio would leave the port open for ever if the
        task were cancelled right after it began to serve (create_server, Python 3.11: start_serving), and the next pod
        with the address could not listen.
        """
        loop = asyncio.get_running_loop()
        place = endpoint if self._on_loopback else (_LOOPBACK, 0)
        server = await loop.create_server(protocol, *place, backlog=_BACKLOG, start_serving=False)
        self._open[endpoint] = server
        await server.start_serving()
        self._changed(endpoint[0])

    def close(self, endpoint: Endpoint) -> None:
        """Refuse connections from now on. Does nothing if the port is not open."""
        server = self._open.pop(endpoint, None)
        if server is not None:
            server.close()
            self._changed(endpoint[0])
