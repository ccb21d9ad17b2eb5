"""A links process between a test and a small upstream server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

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
