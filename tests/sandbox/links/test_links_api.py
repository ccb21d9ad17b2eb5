"""Toxiproxy's control API: shapes, statuses and errors, also with the real Python client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.links.links_harness import Links, receive


def test_version_and_shapes(links: Links) -> None:
    assert links.call("GET", "/version")[0] == 200
    proxies = links.call("GET", "/proxies")[1]
    assert set(proxies) == {"mongodb", "focus-server-kubernetes"}
    assert proxies["mongodb"] == {
        "name": "mongodb",
        "listen": f"127.0.0.1:{links.listen}",
        "upstream": f"127.0.0.1:{links.upstream}",
        "enabled": True,
        "toxics": [],
    }


def test_toxic_life(links: Links) -> None:
    status, toxic = links.call("POST", "/proxies/mongodb/toxics", {"type": "latency", "attributes": {"latency": 5}})
    expected = {
        "attributes": {"latency": 5, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
    }
    assert (status, toxic) == (200, expected)
    path = "/proxies/mongodb/toxics/latency_downstream"
    status, toxic = links.call("PATCH", path, {"attributes": {"jitter": 2}, "toxicity": 0.5})
    assert (status, toxic["attributes"], toxic["toxicity"]) == (200, {"latency": 5, "jitter": 2}, 0.5)
    assert links.call("GET", "/proxies/mongodb/toxics") == (200, [toxic])
    assert links.call("GET", "/proxies/mongodb")[1]["toxics"] == [toxic]
    assert links.call("DELETE", path) == (204, None)
    assert links.call("GET", path) == (404, {"error": "toxic not found", "status": 404})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/proxies/nope", None, 404, "proxy not found"),
        ("DELETE", "/proxies/nope", None, 404, "proxy not found"),
        ("POST", "/proxies", {"upstream": "127.0.0.1:1"}, 400, "missing required field: name"),
        ("POST", "/proxies", {"name": "x"}, 400, "missing required field: upstream"),
        ("POST", "/proxies", {"name": "mongodb", "upstream": "127.0.0.1:1"}, 409, "proxy already exists"),
        ("POST", "/proxies", {"name": "x", "upstream": "192.0.2.1:1"}, 400, "loopback"),
        ("POST", "/proxies", None, 400, "bad request body"),
        ("PATCH", "/proxies/mongodb", {"enabled": "no"}, 400, "enabled must be true or false"),
        ("PATCH", "/proxies/mongodb", {"colour": 1}, 400, "unknown field 'colour'"),
        ("POST", "/proxies/mongodb/toxics", {"type": "magic"}, 400, "invalid toxic type"),
        ("POST", "/proxies/mongodb/toxics", {"type": "latency", "stream": "up"}, 400, "stream was invalid"),
        ("POST", "/proxies/mongodb/toxics", {"type": "latency", "attributes": {"rate": 1}}, 400, "unknown attribute"),
        ("POST", "/proxies/mongodb/toxics", {"type": "latency", "toxicity": 2}, 400, "toxicity"),
        ("DELETE", "/proxies/mongodb/toxics/nope", None, 404, "toxic not found"),
        ("DELETE", "/proxies", None, 405, "not allowed"),
        ("POST", "/populate", [], 404, "no such path"),
        ("GET", "/metrics", None, 404, "no such path"),
    ],
)
def test_refusals(links: Links, method: str, path: str, body: Any, status: int, error: str) -> None:
    answered, answer = links.call(method, path, body)
    assert (answered, answer["status"]) == (status, status)
    assert error in answer["error"]


def test_create_use_and_delete_a_proxy(links: Links) -> None:
    status, proxy = links.call("POST", "/proxies", {"name": "extra", "upstream": f"127.0.0.1:{links.upstream}"})
    assert status == 201
    with links.connect(int(proxy["listen"].rpartition(":")[2])) as connection:
        connection.sendall(b"hello")
        assert receive(connection, 5) == b"hello"
        assert links.call("DELETE", "/proxies/extra") == (204, None)
        assert connection.recv(1) == b""


def test_process_reset_restores_the_configured_proxies(links: Links) -> None:
    links.call("DELETE", "/proxies/mongodb")
    links.call("POST", "/proxies", {"name": "extra", "upstream": "127.0.0.1:1"})
    links.process.request("reset")
    assert set(links.call("GET", "/proxies")[1]) == {"mongodb", "focus-server-kubernetes"}
    links.connect().close()


def test_the_real_client_drives_it(links: Links, over_http: int) -> None:
    toxiproxy = pytest.importorskip("toxiproxy", reason="the toxiproxy-python client is not installed")
    server = toxiproxy.Toxiproxy()
    server.update_api_consumer("127.0.0.1", over_http)
    assert server.running()
    proxy = server.get_proxy("mongodb")
    proxy.add_toxic(type="latency", attributes={"latency": 100})
    assert proxy.get_toxic("latency_downstream").attributes["latency"] == 100
    with proxy.down(), pytest.raises(ConnectionRefusedError):
        links.connect()
    assert server.create(name="extra", upstream=f"127.0.0.1:{links.upstream}").enabled
    assert server.reset()
    assert links.call("GET", "/proxies/mongodb/toxics") == (200, [])
