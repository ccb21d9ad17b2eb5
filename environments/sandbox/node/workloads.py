"""Pods that are backed by a process of the sandbox: when the pods end, the process is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable

PROCESSES = ("mongodb", "focus-server", "rabbitmq")
"""Names of the images, which are also the names of the processes that the supervisor runs for them."""


class Workloads:
    """Emits ``(process, "stop" | "start")`` when the pods of a process require it. All processes initially count as
    running."""

    def __init__(self, emit: Callable[[str, str], None]) -> None:
        self._emit = emit
        self._pods: dict[str, dict[str, None]] = {process: {} for process in PROCESSES}
        self._runs_for: dict[str, str | None] = dict.fromkeys(PROCESSES, "")
        self._crashed: set[str] = set()
        self._held = True

    def started(self, images: Iterable[str | None], uid: str) -> None:
        """Record that a pod of these images is about to run."""
        for process in set(PROCESSES).intersection(images):
            self._pods[process][uid] = None
            self._compare(process)

    def ended(self, images: Iterable[str | None], uid: str) -> None:
        """Record that a pod has vanished or its deletion has begun, which is when its process gets its signal."""
        for process in set(PROCESSES).intersection(images):
            self._pods[process].pop(uid, None)
            self._compare(process)

    def crashed(self, process: str) -> None:
        """Record that the process ended although its pod has not."""
        self._crashed.add(process)

    def wanted(self, process: str) -> None:
        """Start the process again if it has crashed, because a container of it is starting."""
        if process in self._crashed:
            self._crashed.discard(process)
            self._emit(process, "start")

    def hold(self) -> None:
        """Keep all processes running while pods vanish and come back in a reset."""
        self._held = True

    def release(self) -> None:
        """End :meth:`hold` once the pods are known again, and emit only differences from the state before."""
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
