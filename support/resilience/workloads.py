"""Workloads that are stopped, started again, or crash, by means of the cluster and without access to its nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support import waits
from support.checks import outages as checks
from support.clients.change_journal import Changes
from support.clients.kubernetes.client import KubernetesClient, Pod
from support.config import Environment
from support.resilience.figures import note
from support.resilience.parts import MONGODB, SERVER, Part, Parts

STOPPED, CRASHED = "stopped_workload", "crashed_workload"
HEARD = (MONGODB, SERVER)
"""Parts that must answer before the next one is started. A broker is ready when its pod is ready."""


@dataclass(frozen=True)
class Stop:
    """A part that was stopped, and its number of replicas before."""

    part: Part
    replicas: int


@dataclass(frozen=True)
class Crash:
    """A part whose pods were all deleted at ``at_s`` (monotonic seconds)."""

    part: Part
    before: tuple[Pod, ...]
    at_s: float


class Workloads:
    """Stops, starts and crashes parts. Each change is recorded before it is made. Needs the permission to disrupt.

    ``answers`` holds for each part, by its name, a function that returns whether it answers.
    """

    def __init__(
        self,
        cluster: KubernetesClient,
        parts: Parts,
        answers: Mapping[str, Callable[[], bool]],
        environment: Environment,
        changes: Changes,
    ) -> None:
        self._cluster = cluster
        self._answers = answers
        self._parts = parts
        self._limits = environment.limits
        self._changes = changes

    def stop(self, name: str) -> Stop:
        """Scale to zero, and wait until nothing of the part runs any more and nothing answers in its place."""
        part = self._parts.named(name)
        workload = self._parts.workload(part)
        self._running(part)
        self._changes.begin(STOPPED, f"{name} is stopped", part=name, replicas=workload.replicas)
        self._cluster.scale(workload, 0)
        waits.until(
            lambda: self._parts.pods(part),
            checks.is_gone(name),
            within_s=self._limits.deadline("pod_gone_s"),
            what=f"{name} to stop",
        )
        waits.until(
            self._answers[name],
            checks.is_silent(name),
            within_s=self._limits.deadline("pod_gone_s"),
            what=f"{name} to be away after it was stopped",
        )
        return Stop(part, workload.replicas)

    def start(self, stop: Stop) -> None:
        """Scale to the former number of replicas, wait until the part is ready, and record how long that took."""
        began_s = time.monotonic()
        self._cluster.scale(self._parts.workload(stop.part), stop.replicas)
        waits.until(
            lambda: self._parts.workload(stop.part),
            checks.is_ready(stop.part.name),
            within_s=self._limits.deadline("pod_ready_s"),
            what=f"{stop.part.name} to be ready",
        )
        if stop.part.name in HEARD:
            waits.until(
                self._answers[stop.part.name],
                checks.is_heard(stop.part.name),
                within_s=self._limits.deadline("server_answers_s"),
                what=f"{stop.part.name} to answer after it was started",
            )
        note(f"{stop.part.word}_started", time.monotonic() - began_s, self._start_limit_s(stop.part))

    def _start_limit_s(self, part: Part) -> float:
        """Return the seconds until the part is ready and, if it is in :data:`HEARD`, until it answers."""
        names = ("pod_ready_s", "server_answers_s") if part.name in HEARD else ("pod_ready_s",)
        return sum(map(self._limits.deadline, names))

    def assert_runs_as_often_as_before(self, stop: Stop) -> None:
        waits.until(
            lambda: self._parts.workload(stop.part),
            checks.runs_as_often_as(stop.part.name, stop.replicas),
            within_s=self._limits.deadline("pod_ready_s"),
            what=f"{stop.part.name} to run as often as before",
        )

    def crash(self, *names: str) -> list[Crash]:
        """Delete all pods of these parts at one moment. Other methods observe what happens to them."""
        parts = [self._parts.named(name) for name in names]
        before = [self._running(part) for part in parts]
        for name in names:
            self._changes.begin(CRASHED, f"{name} crashes", part=name)
        for pods in before:
            for pod in pods:
                self._cluster.delete_pod(pod.name)
        at_s = time.monotonic()
        return [Crash(part, pods, at_s) for part, pods in zip(parts, before, strict=True)]

    def _running(self, part: Part) -> tuple[Pod, ...]:
        """Return the running pods. Raises :class:`AssertionError` if there are none that could be taken away."""
        pods = tuple(pod for pod in self._parts.pods(part) if not pod.deleting and not pod.is_over)
        if not pods:
            raise AssertionError(f"{part.name} does not run: the cluster has no pod with the labels {part.selector}")
        return pods

    def wait_until_replaced(self, crash: Crash) -> list[Pod]:
        """Wait until the pods are gone, exist again and are ready, each within its deadline. Records the time."""
        for name, matcher in (
            ("pod_gone_s", checks.is_gone_of(crash.part.name, crash.before)),
            ("pod_new_s", checks.is_there_again(crash.part.name, crash.before)),
            ("pod_ready_s", checks.is_replaced(crash.part.name, crash.before)),
        ):
            pods = waits.until(
                lambda: self._parts.pods(crash.part),
                matcher,
                within_s=self._limits.deadline(name) - (time.monotonic() - crash.at_s),
                what=f"{crash.part.name} after its crash",
            )
        note(f"{crash.part.word}_replaced", time.monotonic() - crash.at_s, self._limits.deadline("pod_ready_s"))
        return pods

    # The functions that undo these changes, at the end of a scenario or in a sweep.

    def put_back(self, undo: Mapping[str, Any]) -> None:
        """Scale a stopped part to its former number of replicas."""
        stop = Stop(self._parts.named(undo["part"]), int(undo["replicas"]))
        workload = self._parts.workload(stop.part)
        if workload.replicas != stop.replicas:
            self._cluster.scale(workload, stop.replicas)
        self.assert_runs_as_often_as_before(stop)

    def wait_for_crashed(self, undo: Mapping[str, Any]) -> None:
        """Wait until a crashed part has all its replicas ready."""
        part = self._parts.named(undo["part"])
        self.assert_runs_as_often_as_before(Stop(part, self._parts.workload(part).replicas))
