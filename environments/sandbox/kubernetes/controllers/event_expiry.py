"""Expiry of events after an hour, the default of the API server's --event-ttl."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.meta import Key, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import Change

EVENT_TTL_S = 3600.0
LEAST_TTL_S = 120.0
"""A lower bound for any time scale: a report written after a scenario must still find the scenario's events."""

MOST_EVENTS = 6000
"""Enough for a report on 200 simultaneous jobs. Beyond that the oldest events are removed early, so that hours of use
do not need ever more memory."""

_OLDEST: Key = ("", "oldest")


class EventExpiry(Controller):
    """Removes events in the order of their creation."""

    watches = frozenset({"events"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._ttl_s = max(LEAST_TTL_S, self.process.scaled(EVENT_TTL_S))
        self._due: deque[tuple[float, Key]] = deque()

    def changed(self, change: Change) -> Iterable[Key]:
        if change.type == "ADDED":
            self._due.append((asyncio.get_running_loop().time() + self._ttl_s, key_of(change.object)))
            if len(self._due) == 1:
                self.again_after(_OLDEST, self._ttl_s)
            elif len(self._due) > MOST_EVENTS:
                return (_OLDEST,)
        return ()

    def reconcile(self, key: Key) -> None:
        time_s = asyncio.get_running_loop().time()
        while self._due and (self._due[0][0] <= time_s or len(self._due) > MOST_EVENTS):
            namespace, name = self._due.popleft()[1]
            if self.store.find("events", name, namespace) is not None:
                self.store.delete("events", name, namespace)
        if self._due:
            self.again_after(_OLDEST, self._due[0][0] - time_s)
