"""Services and their node ports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tools.conformance.cluster.manifests import service
from tools.conformance.cluster.probing import Cluster, Object, registry
from tools.conformance.facts import Value

_RANGE = re.compile(r"The range of valid ports is (\d+)-(\d+)")
_MANY = 200
"""Number of ports requested. If ports are random, at most one comparison in 500 misses the lower band by chance."""
_IN_ONE_SERVICE = 100


def port_range(cluster: Cluster) -> tuple[int, int]:
    """Return the range of node ports, read from the refusal of a port outside the range."""
    body = service("out-of-range", [{"port": 1, "nodePort": 1}])
    answer = cluster.ask("POST", cluster.path("services"), body, dryRun="All")
    found = _RANGE.search(answer.message)
    assert found is not None, f"the refusal of node port 1 names no range: {answer.message}"
    return int(found[1]), int(found[2])


def lower_band(first: int, last: int) -> range:
    """Return the ports that Kubernetes reserves for services that request a port by number, where it reserves any."""
    size = last - first + 1
    return range(first, first + min(max(16, size // 32), 128))


def _given(cluster: Cluster) -> Iterator[int]:
    for number in range(_MANY // _IN_ONE_SERVICE):
        name = f"many-{number}"
        ports = [{"name": f"p{port}", "port": port} for port in range(1, _IN_ONE_SERVICE + 1)]
        created = cluster.create("services", service(name, ports))
        yield from (port["nodePort"] for port in created["spec"]["ports"])
        cluster.ask("DELETE", cluster.path("services", name))


@registry.probe("node-ports", row=6)
def node_ports(cluster: Cluster) -> dict[str, Value]:
    """Record which ports a cluster assigns to services that request none by number."""
    given, band = list(_given(cluster)), lower_band(*port_range(cluster))
    rising = {after > before for before, after in pairwise(given)}
    order = "at random" if len(rising) == 2 else "upwards" if True in rising else "downwards"
    return {"order": order, "lower-band-is-used": any(port in band for port in given)}


@registry.probe("taken-port")
def taken_port(cluster: Cluster) -> dict[str, Value]:
    """Request the port of a slot, as the stand-in of Focus Server does, while another service holds it."""
    port = cluster.create("services", service("first", [{"port": 1}]))["spec"]["ports"][0]["nodePort"]
    wanted: list[Object] = [{"port": 1, "nodePort": port}]
    answer = cluster.ask("POST", cluster.path("services"), service("second", wanted))
    cluster.ask("DELETE", cluster.path("services", "first"))
    freed = cluster.ask("POST", cluster.path("services"), service("second", wanted))
    return {
        "status": answer.status,
        "reason": str(answer.body.get("reason")),
        "text": answer.message.partition(": ")[2].replace(str(port), "PORT"),
        "status-when-free-again": freed.status,
    }
