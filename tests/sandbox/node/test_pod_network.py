"""The port of a pod is free for the next pod, no matter when the first one ends."""

from __future__ import annotations

import asyncio

import pytest

from environments.sandbox.node.pod_network import PodNetwork


@pytest.mark.parametrize("turns", range(8))
def test_a_pod_that_is_ended_while_it_begins_to_listen_leaves_its_port_free(turns: int) -> None:
    """Cancels the listening after ``turns`` of the event loop. At one of them the server is already bound, but
    ``listen`` has not returned."""

    async def listen_twice() -> None:
        network = PodNetwork(f"127.{60 + turns}", lambda address: None)
        endpoint = (network.take_address(), 5000)
        first = asyncio.create_task(network.listen(endpoint, asyncio.Protocol))
        for _ in range(turns):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        network.close(endpoint)
        await network.listen(endpoint, asyncio.Protocol)
        assert network.is_open(endpoint)
        network.close(endpoint)

    asyncio.run(listen_twice())
