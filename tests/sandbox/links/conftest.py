"""A links process between a test and a small upstream server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.sandbox.links.links_harness import Links, Upstream, UpstreamServer
from tests.sandbox.process_runner import base_config, reserve_port, start_process


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with UpstreamServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, upstream: int) -> Iterator[Links]:
    folder: Path = tmp_path_factory.mktemp("links")
    mongodb, kubernetes = reserve_port(), reserve_port()
    target = f"127.0.0.1:{upstream}"
    proxies = [
        {
            "name": "mongodb",
            "listen": f"127.0.0.1:{mongodb}",
            "upstream": target,
            "workload": "mongodb",
            "from": "client",
        },
        {
            "name": "focus-server-kubernetes",
            "listen": f"127.0.0.1:{kubernetes}",
            "upstream": f"127.0.0.1:{reserve_port()}",
            "workload": "kubernetes",
            "from": "focus-server",
        },
    ]
    with start_process("links", base_config(folder, proxies=proxies)) as process:
        yield Links(process, mongodb, upstream)


@pytest.fixture
def links(running: Links) -> Links:
    running.process.request("reset")
    return running


@pytest.fixture
def over_http(links: Links) -> Iterator[int]:
    """Serve the API over HTTP as the supervisor does, and yield the port."""
    loop = asyncio.new_event_loop()

    async def answer(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        status, content = await asyncio.to_thread(links.call, request.method, request.path, body)
        return web.Response(status=status) if content is None else web.json_response(content, status=status)

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield runner.addresses[0][1]
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
