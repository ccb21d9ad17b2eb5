"""The fingerprint of the tested system, including parts that do not answer."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.clients.clock import ClockOffset
from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, Pod
from support.clients.mongodb.client import DatabaseError
from support.hooks.fingerprint import fingerprint, revision

SERVICES = SimpleNamespace(
    focus_server=SimpleNamespace(pod_selector="app=x", deployment="x", port=5000, container=None)
)
ENVIRONMENT = SimpleNamespace(
    identity=SimpleNamespace(title="A site"),
    kubernetes=SimpleNamespace(services=SERVICES),
    redacted=lambda: {"limits": {}},
    unverified_certificates=lambda: ["Kubernetes (kubernetes.verify_tls is false)"],
)


class Cluster:
    def __init__(self, images: list[str]) -> None:
        self.images = images

    clock = ClockOffset("the cluster")

    def version(self) -> str:
        return "v1.34.1"

    def nodes(self) -> list[Any]:
        raise ClusterError("GET /api/v1/nodes", 403, "forbidden for s3cret")

    def pods(self, label_selector: str) -> list[Any]:
        assert label_selector == "app=x"
        return [
            Pod.parse({"metadata": {"name": f"x-{n}"}, "spec": {"containers": [{"name": "x", "image": image}]}})
            for n, image in enumerate(self.images)
        ]


def world(images: list[str], sandbox: Any = None) -> Any:
    def unreachable() -> Any:
        raise DatabaseError("unreachable", "no connection within 1 s")

    mongodb = SimpleNamespace(server_status=unreachable)
    return SimpleNamespace(
        environment=ENVIRONMENT,
        cluster=SimpleNamespace(client=Cluster(images)),
        product=SimpleNamespace(client=SimpleNamespace(clock=ClockOffset("the Focus Server")), sandbox=sandbox),
        recordings=SimpleNamespace(client=mongodb),
        journal=Journal(["s3cret"]),
    )


def test_a_part_that_does_not_answer_is_told_and_the_rest_is_there() -> None:
    found = fingerprint(world(["server:2", "server:1", "server:2"]))
    assert found["kubernetes"] == "v1.34.1"
    assert found["focus_server"] == "server:1, server:2"
    assert found["mongodb"] == "not known: no connection within 1 s"
    assert found["nodes"] == "not known: GET /api/v1/nodes: 403: forbidden for ***"
    assert found["libraries"]["behave"] == "1.3.3"
    assert found["unverified_certificates"] == ["Kubernetes (kubernetes.verify_tls is false)"]
    assert found["configuration"] == {"limits": {}}
    assert found["clocks"][0] == "the clock of the cluster is not known: its answers have no date"


def test_a_server_without_a_pod_is_told() -> None:
    assert fingerprint(world([]))["focus_server"] == "not known: it has no pod"


def test_the_revision_tells_uncommitted_changes_apart(tmp_path: Path) -> None:
    assert revision(tmp_path) == {"git": None, "git_changes": None}
    commit = "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one"
    subprocess.run(commit, cwd=tmp_path, shell=True, check=True)
    clean = revision(tmp_path)
    assert clean["git"] is not None and len(clean["git"]) == 40
    assert clean["git_changes"] is None
    (tmp_path / "new").write_text("x")
    assert revision(tmp_path)["git_changes"] is not None


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"faults": [], "changed_settings": {}}, None),
        ({"faults": ["two-jobs", "mongodb-slow"], "changed_settings": {}}, "faults two-jobs, mongodb-slow"),
        (
            {"faults": [], "changed_settings": {"gpu_slices": 5, "fibre": "waiting"}},
            "settings fibre=waiting, gpu_slices=5",
        ),
        ({"faults": ["two-jobs"], "changed_settings": {"nodes": 1}}, "faults two-jobs; settings nodes=1"),
    ],
)
def test_what_was_done_to_a_sandbox_is_told(state: dict[str, Any], told: str | None) -> None:
    found = fingerprint(world([], SimpleNamespace(state=lambda: state)))
    assert found.get("sandbox") == told
