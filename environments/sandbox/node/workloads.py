"""Pods behind which a process of the sandbox stands: when they end, so does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

PROCESSES = ("mongodb", "focus-server", "rabbitmq")
"""Names of images, and of the processes the supervisor runs for them."""

_RETURNS_WITHIN_S = 0.2
"""A reset of the cluster takes pods away without asking and puts the first ones back: no process has ended then."""


class Workloads:
    """Emits ``(process, "stop" | "start")`` when that changes; at the beginning every process is taken to run."""

    def __init__(self, emit: Callable[[str, str], None]) -> None:
        self._emit = emit
        self._pods: dict[str, dict[str, str]] = {process: {} for process in PROCESSES}
        self._runs_for: dict[str, str | None] = dict.fromkeys(PROCESSES, "")
        self._first_names: set[str] = set()
        self._lost: dict[str, str] = {}
        self._crashed: set[str] = set()
        self._held = True

    def started(self, images: Iterable[str | None], uid: str, name: str) -> None:
        """A pod of these images is about to run."""
        for process in set(PROCESSES).intersection(images):
            self._pods[process][uid] = name
            if self._lost.pop(process, None) is not None and name in self._first_names:
                self._runs_for[process] = uid
            self._compare(process)

    def ended(self, images: Iterable[str | None], uid: str) -> None:
        """Called when a pod is asked to go: its process gets its signal then."""
        for process in set(PROCESSES).intersection(images):
            self._pods[process].pop(uid, None)
            self._compare(process)

    def lost(self, images: Iterable[str | None], uid: str) -> None:
        """A pod vanished without having been asked to go."""
        for process in set(PROCESSES).intersection(images):
            name = self._pods[process].pop(uid, None)
            if name is not None:
                self._lost[process] = name
                asyncio.get_running_loop().call_later(_RETURNS_WITHIN_S, self._give_up, process, name)

    def crashed(self, process: str) -> None:
        """The process ended although its pod has not."""
        self._crashed.add(process)

    def wanted(self, process: str) -> None:
        """A container of the process starts, perhaps again: so must the process if it is gone."""
        if process in self._crashed:
            self._crashed.discard(process)
            self._emit(process, "start")

    def hold(self) -> None:
        """Pods are about to be listed anew."""
        self._held = True

    def release(self) -> None:
        """The pods are known again; tell only what differs from what was told before."""
        self._held = False
        self._lost.clear()
        if not self._first_names:
            self._first_names = {name for pods in self._pods.values() for name in pods.values()}
        for process in PROCESSES:
            pods, runs = self._pods[process], self._runs_for[process] is not None
            if runs != bool(pods):
                self._emit(process, "start" if pods else "stop")
            self._runs_for[process] = next(iter(pods), None)

    def _give_up(self, process: str, name: str) -> None:
        if self._lost.get(process) == name:
            del self._lost[process]
            self._compare(process)

    def _compare(self, process: str) -> None:
        if self._held or process in self._lost:
            return
        pods, uid = self._pods[process], self._runs_for[process]
        if uid is not None and uid not in pods:
            self._emit(process, "stop")
            uid = None
        if uid is None and pods:
            uid = next(iter(pods))
            self._emit(process, "start")
        self._runs_for[process] = uid
