"""The kubelet's handling of pods that come and go."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from environments.sandbox.node import kubelet as module
from environments.sandbox.node.kubelet import Kubelet


class Run:
    """A pod that runs until it is stopped, and owns only its files."""

    own_images = ()

    def __init__(self, host: Any, reporter: Any, pod: Any, address: str, run_dir: Path) -> None:
        self.pod, self.settled, self.has_vanished = pod, asyncio.Event(), False

    async def run(self, at_once: bool = False) -> None:
        await asyncio.Event().wait()

    def vanish(self) -> None:
        self.has_vanished = True


def pod(uid: str, name: str = "server") -> dict[str, Any]:
    metadata = {"uid": uid, "namespace": "panda", "name": name}
    return {"metadata": metadata, "spec": {"nodeName": "worker-node-1"}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(("other", "has_vanished"), [("server", False), ("another", True)])
def test_the_log_of_a_pod_stays_where_another_has_taken_over_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, other: str, has_vanished: bool
) -> None:
    """A fresh list can report the new pod before the removal of the old one."""
    monkeypatch.setattr(module, "PodRun", Run)
    workloads: Any = SimpleNamespace(started=lambda *_: None, ended=lambda *_: None)
    nobody: Any = None

    async def both() -> Any:
        kubelet = Kubelet(lambda: nobody, nobody, workloads, {"worker-node-1": "127.0.0.1"}, tmp_path)
        kubelet.changed(pod("1"), gone=False)
        first = kubelet.runs["1"]
        kubelet.changed(pod("2", other), gone=False)
        kubelet.changed(pod("1"), gone=True)
        forgetting = kubelet._tasks["1"]
        await forgetting
        await kubelet.stop()
        return first

    assert asyncio.run(both()).has_vanished is has_vanished
