"""The loop that runs all controllers: changes become keys, and keys are reconciled one after the other."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.meta import Key
from environments.sandbox.kubernetes.controllers.recorder import Recorder
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.shared.defects import end_on_defect
from environments.sandbox.shared.process import SandboxProcess

_RECONCILES_PER_TURN = 20
"""The number of reconciles after which the API server gets its turn, because they share one event loop."""


class Controller(ABC):
    """A level-triggered controller: :meth:`reconcile` acts on the current store, regardless of the change before it."""

    watches: frozenset[str] = frozenset()

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.store = runner.store
        self.process = runner.process
        self.recorder = runner.recorder

    @abstractmethod
    def changed(self, change: Change) -> Iterable[Key]:
        """Return the keys to reconcile because of this change."""

    @abstractmethod
    def reconcile(self, key: Key) -> None:
        """Bring the object that ``key`` names to its desired state."""

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        """Return the keys to reconcile because faults were switched."""
        return ()

    def again_after(self, key: Key, delay_s: float) -> None:
        self.runner.enqueue_after(self, key, delay_s)


class Runner:
    """Owns the subscription, the queue of keys and the timers."""

    def __init__(self, store: Store, process: SandboxProcess) -> None:
        self.store = store
        self.process = process
        self.recorder = Recorder(store)
        self.controllers: list[Controller] = []
        self._work: dict[tuple[Controller, Key], None] = {}
        self._wanted = asyncio.Event()
        self._timers: dict[tuple[Controller, Key], asyncio.TimerHandle] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._changes: asyncio.Queue[Change] | None = None

    def start(self) -> None:
        """Start the loop. It handles every change from now on."""
        self._changes = self.store.subscribe()
        for work in (self._read(self._changes), self._reconcile()):
            task = asyncio.create_task(work)
            task.add_done_callback(end_on_defect)
            self._tasks.append(task)

    async def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._changes is not None:
            self.store.unsubscribe(self._changes)

    async def settled(self) -> None:
        """Wait until all known changes are reconciled. Does not wait for timers or for the node."""
        while self._work or (self._changes is not None and not self._changes.empty()):
            await asyncio.sleep(0)

    def enqueue(self, controller: Controller, key: Key) -> None:
        self._work[(controller, key)] = None
        self._wanted.set()

    def enqueue_after(self, controller: Controller, key: Key, delay_s: float) -> None:
        """Set a timer for the key. The earlier of two timers wins, because reconciling too early does no harm."""
        loop = asyncio.get_running_loop()
        entry = (controller, key)
        earlier = self._timers.get(entry)
        if earlier is not None:
            if earlier.when() <= loop.time() + delay_s:
                return
            earlier.cancel()
        self._timers[entry] = loop.call_later(max(delay_s, 0.0), self._due, entry)

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        for controller in self.controllers:
            for key in controller.faults_changed(switched_on, switched_off):
                self.enqueue(controller, key)

    def _due(self, entry: tuple[Controller, Key]) -> None:
        del self._timers[entry]
        self.enqueue(*entry)

    async def _read(self, changes: asyncio.Queue[Change]) -> None:
        while True:
            self._dispatch(await changes.get())
            while not changes.empty():
                self._dispatch(changes.get_nowait())

    def _dispatch(self, change: Change) -> None:
        for controller in self.controllers:
            if change.plural in controller.watches:
                for key in controller.changed(change):
                    self.enqueue(controller, key)

    async def _reconcile(self) -> None:
        done = 0
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._work:
                controller, key = next(iter(self._work))
                del self._work[(controller, key)]
                controller.reconcile(key)
                done += 1
                if done % _RECONCILES_PER_TURN == 0:
                    await asyncio.sleep(0)
