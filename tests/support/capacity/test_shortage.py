"""What the refusal of a full site must name."""

from __future__ import annotations

import pytest

from support.capacity.checks import names_the_shortage
from support.capacity.shortage import Shortage
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
        (FULL, ("node-1",), "not ready are node-1"),
        (f"{FULL}; not ready: node-2", (), "not ready are no nodes"),
        (f"{FULL}; not ready: node-10, node-1", ("node-1", "node-10"), "not ready are node-1, node-10"),
        (f"{FULL}; not ready: node-10", ("node-1", "node-10"), "not ready are node-1, node-10"),
    ],
)
def test_the_refusal_names_all_and_nothing_else(said: str, lost: tuple[str, ...], wrong: str | None) -> None:
    found = trouble(names_the_shortage(shortage(*lost)), answer(503, {"error": said}))
    assert (found is None) if wrong is None else (found is not None and wrong in found)
