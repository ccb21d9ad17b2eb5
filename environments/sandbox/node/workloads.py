"""Pods behind which a process of the sandbox stands: when they end, so does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

PROCESSES = ("mongodb", "focus-server", "rabbitmq")
"""Names of images, and of the processes the supervisor runs for them."""


class Workloads:
    """Emits ``(process, "stop" | "start")`` when that changes; at the beginning every process is taken to run."""

    def __init__(self, emit: Callable[[str, str], None]) -> None:
        self._emit = emit
        self._pods: dict[str, dict[str, None]] = {process: {} for process in PROCESSES}
        self._runs_for: dict[str, str | None] = dict.fromkeys(PROCESSES, "")
        self._crashed: set[str] = set()
        self._held = True

    def started(self, images: Iterable[str | None], uid: str) -> None:
        """A pod of these images is about to run."""
        for process in set(PROCESSES).intersection(images):
            self._pods[process][uid] = None
            self._compare(process)

    def ended(self, images: Iterable[str | None], uid: str) -> None:
        """Called when a pod is asked to go, as its process gets its signal then, or has vanished."""
        for process in set(PROCESSES).intersection(images):
            self._pods[process].pop(uid, None)
            self._compare(process)

    def crashed(self, process: str) -> None:
        """The process ended although its pod has not."""
        self._crashed.add(process)

    def wanted(self, process: str) -> None:
        """A container of the process starts, perhaps again: so must the process if it is gone."""
        if process in self._crashed:
            self._crashed.discard(process)
            self._emit(process, "start")

    def hold(self) -> None:
        """Pods are about to go without having been asked, and the first ones to come back: no process ends then."""
        self._held = True

    def release(self) -> None:
        """The pods are known again; tell only what differs from what was told before."""
        self._held = False
        for process in PROCESSES:
            pods, runs = self._pods[process], self._runs_for[process] is not None
            if runs != bool(pods):
                self._emit(process, "start" if pods else "stop")
            self._runs_for[process] = next(iter(pods), None)

    def _compare(self, process: str) -> None:
        if self._held:
            return
        pods, uid = self._pods[process], self._runs_for[process]
        if uid is not None and uid not in pods:
            self._emit(process, "stop")
            uid = None
        if uid is None and pods:
            uid = next(iter(pods))
            self._emit(process, "start")
        self._runs_for[process] = uid
