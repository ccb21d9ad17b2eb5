"""The parts that the refusal of a full site must name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from support.capacity.checks import names_the_shortage
from support.capacity.shortage import Shortage, shortage_of
from support.clients.kubernetes.client import Node
from tests.support.domain.test_answer_checks import answer
from tests.support.domain.test_job_checks import trouble

GPU = "nvidia.com/gpu.shared"
FULL = "no room in the cluster for one more: GPU slices (nvidia.com/gpu.shared): 0 of 120 free, 5 waiting"


def shortage(*lost: str) -> Shortage:
    ready = frozenset({"node-1", "node-2", "node-10"} - set(lost))
    return Shortage({GPU: 120.0}, frozenset({"cpu", "memory", "pods"}), lost, ready)


@pytest.mark.parametrize(
    ("said", "lost", "wrong"),
    [
        (FULL, (), None),
        (f"{FULL}; not ready: node-1, node-10", ("node-1", "node-10"), None),
        ("no room in the cluster", (), f"does not name {GPU}"),
        (f"{FULL}; memory: 0 of 1Ti free", (), "names memory, of which there is more"),
        (FULL.replace("120", "1200"), (), "does not say that there are 120"),
        (FULL.replace("0 of", "6 of"), (), "says that 6 GPU slices are left"),
        (FULL, ("node-1",), "not ready are node-1"),
        (f"{FULL}; not ready: node-2", (), "not ready are no nodes"),
        (f"{FULL}; not ready: node-10, node-1", ("node-1", "node-10"), "not ready are node-1, node-10"),
        (f"{FULL}; not ready: node-10", ("node-1", "node-10"), "not ready are node-1, node-10"),
    ],
)
def test_the_refusal_names_all_and_nothing_else(said: str, lost: tuple[str, ...], wrong: str | None) -> None:
    found = trouble(names_the_shortage(shortage(*lost)), answer(503, {"error": said}))
    assert (found is None) if wrong is None else (found is not None and wrong in found)


def a_node(name: str, slices: int, ready: str = "True") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    offered = {GPU: str(slices), "cpu": "8", "memory": "64Gi", "pods": "110"}
    return {"metadata": {"name": name}, "spec": {}, "status": {"allocatable": offered, "conditions": conditions}}


def a_pod(name: str, node: str, **requests: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": name},
        "spec": {"nodeName": node, "containers": [{"name": "c", "resources": {"requests": requests}}]},
        "status": {"phase": "Running"},
    }


def test_what_is_used_up_is_found_from_nodes_and_pods() -> None:
    job = a_pod("grpc-job-1-16-abcde", "node-1", **{GPU: "1", "cpu": "100m", "memory": "512Mi"})
    other = a_pod("other", "node-2", **{GPU: "2"})
    raw = [a_node("node-1", 1), a_node("node-2", 2), a_node("node-3", 9, ready="False"), a_node("master", 0)]
    cluster = SimpleNamespace(nodes=lambda: list(map(Node.parse, raw)), list_raw_everywhere=lambda what: [job, other])
    found = shortage_of(cluster)  # type: ignore[arg-type]  # what is asked of a client of the cluster
    assert found.used_up == {GPU: 3.0} and found.left == {"cpu", "memory", "pods"}
    assert found.lost == ("node-3",) and found.ready == {"node-1", "node-2", "master"}
    other["status"]["phase"] = "Succeeded"
    assert shortage_of(cluster).used_up == {}  # type: ignore[arg-type]  # as above
