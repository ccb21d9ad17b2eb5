"""The resource requests of pods, checked against the scheduler's rules with a table of realistic pods."""

from __future__ import annotations

from typing import Any

import pytest

from support.capacity.diagnosis.node_room import room, taken

GIB = 2.0**30


def container(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, **more: Any) -> Any:
    return {"name": more.pop("name", "app"), "resources": {"requests": requests or {}, "limits": limits or {}}, **more}


def sidecar(requests: dict[str, str]) -> Any:
    return container(requests, name="mesh", restartPolicy="Always")


def pod(*containers: Any, init: tuple[Any, ...] = (), **more: Any) -> Any:
    return {"containers": list(containers), "initContainers": list(init), **more}


ONE = container({"cpu": "1"})
TABLE: list[tuple[str, Any, dict[str, float]]] = [
    ("a container", pod(ONE), {"cpu": 1}),
    ("two containers", pod(ONE, container({"cpu": "500m", "memory": "1Gi"})), {"cpu": 1.5, "memory": GIB}),
    ("no resources at all", pod({"name": "app"}), {}),
    ("only limits: they are the requests", pod(container(limits={"cpu": "2"})), {"cpu": 2}),
    (
        "a request below its limit",
        pod(container({"cpu": "1"}, {"cpu": "2", "memory": "1Gi"})),
        {"cpu": 1, "memory": GIB},
    ),
    ("a larger init container", pod(ONE, init=(container({"cpu": "2"}),)), {"cpu": 2}),
    ("a smaller init container", pod(ONE, init=(container({"cpu": "500m"}),)), {"cpu": 1}),
    (
        "init containers run in turn",
        pod(ONE, init=(container({"cpu": "2"}), container({"cpu": "3"}))),
        {"cpu": 3},
    ),
    ("an init container with limits only", pod(ONE, init=(container(limits={"cpu": "2"}),)), {"cpu": 2}),
    ("a sidecar runs beside the application", pod(ONE, init=(sidecar({"cpu": "500m"}),)), {"cpu": 1.5}),
    (
        "an init container beside the sidecar that started before it",
        pod(ONE, init=(sidecar({"cpu": "500m"}), container({"cpu": "2"}))),
        {"cpu": 2.5},
    ),
    (
        "a sidecar that starts after the init container",
        pod(ONE, init=(container({"cpu": "2"}), sidecar({"cpu": "500m"}))),
        {"cpu": 2},
    ),
    (
        "two sidecars add up",
        pod(ONE, init=(sidecar({"cpu": "250m"}), sidecar({"cpu": "250m", "memory": "1Gi"}))),
        {"cpu": 1.5, "memory": GIB},
    ),
    (
        "extended resources in containers and sidecars",
        pod(container({"nvidia.com/gpu.shared": "1"}), init=(sidecar({"nvidia.com/gpu.shared": "2"}),)),
        {"nvidia.com/gpu.shared": 3},
    ),
    (
        "an extended resource by its limit",
        pod(container(limits={"nvidia.com/gpu.shared": "1"})),
        {"nvidia.com/gpu.shared": 1},
    ),
    ("overhead", pod(ONE, overhead={"cpu": "250m", "memory": "1Gi"}), {"cpu": 1.25, "memory": GIB}),
    (
        "overhead comes on top of an init container",
        pod(ONE, init=(container({"cpu": "2"}),), overhead={"cpu": "250m"}),
        {"cpu": 2.25},
    ),
    (
        "the pod as a whole, with overhead",
        pod(ONE, resources={"requests": {"cpu": "4"}}, overhead={"cpu": "500m"}),
        {"cpu": 4.5},
    ),
    ("limits of the pod as a whole, requests of a container", pod(ONE, resources={"limits": {"cpu": "4"}}), {"cpu": 1}),
    (
        "limits of the pod as a whole only",
        pod(container(), resources={"limits": {"cpu": "4", "memory": "2Gi"}}),
        {"cpu": 4, "memory": 2 * GIB},
    ),
    (
        "the pod as a whole for cpu, its containers for the rest",
        pod(
            container({"cpu": "1", "memory": "1Gi", "nvidia.com/gpu.shared": "1"}), resources={"requests": {"cpu": "2"}}
        ),
        {"cpu": 2, "memory": GIB, "nvidia.com/gpu.shared": 1},
    ),
    (
        "an extended resource cannot be asked for by the pod as a whole",
        pod(ONE, resources={"requests": {"nvidia.com/gpu.shared": "8"}}),
        {"cpu": 1},
    ),
    (
        "the pod as a whole with sidecars",
        pod(ONE, init=(sidecar({"cpu": "500m"}),), resources={"requests": {"cpu": "1500m"}}),
        {"cpu": 1.5},
    ),
]


@pytest.mark.parametrize(("spec", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_pod_takes_what_the_scheduler_counts(spec: Any, expected: dict[str, float]) -> None:
    found = taken(spec)
    assert found.pop("pods") == 1
    assert {name: value for name, value in found.items() if value} == pytest.approx(expected)


@pytest.mark.parametrize(
    "state",
    [
        {"name": "app", "resources": {"requests": {"cpu": "3"}}},
        {"name": "app", "allocatedResources": {"cpu": "3"}},
    ],
)
def test_a_container_that_shrinks_in_place_counts_with_its_larger_size(state: Any) -> None:
    assert taken(pod(ONE), {"containerStatuses": [state]})["cpu"] == 3


def test_a_container_that_grows_in_place_counts_with_its_larger_size() -> None:
    grown = pod(container({"cpu": "4"}))
    assert taken(grown, {"containerStatuses": [{"name": "app", "allocatedResources": {"cpu": "1"}}]})["cpu"] == 4


def test_room_forgives_binary_fractions() -> None:
    assert room({"cpu": 0.3}, {"cpu": 0.1}) == 3
