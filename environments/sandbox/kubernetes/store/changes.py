"""What was written to the store: one change for each write, kept for a while, told to whoever follows."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from environments.sandbox.kubernetes.store import errors
from environments.sandbox.shared.json_text import encode

Object = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One write: ``type`` is ADDED, MODIFIED or DELETED; ``previous`` the object before it, if there was one."""

    type: str
    plural: str
    object: Object
    revision: int
    previous: Object | None = None

    @cached_property
    def encoded(self) -> bytes:
        """The object as JSON, made once however many watchers there are."""
        return encode(self.object)

    @cached_property
    def encoded_item(self) -> bytes:
        """The object as it stands in a list, where the real server leaves out kind and apiVersion."""
        return encode({key: value for key, value in self.object.items() if key not in ("apiVersion", "kind")})


class ChangeLog:
    """The last changes, of which those up to ``complete_since`` are forgotten."""

    def __init__(self, history: int) -> None:
        self.revision = self.complete_since = 1
        self._history: deque[Change] = deque(maxlen=history)
        self._subscribers: dict[asyncio.Queue[Change], frozenset[str]] = {}

    def subscribe(self, *plurals: str) -> asyncio.Queue[Change]:
        """A queue that receives every change from now on, or those of some kinds."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._subscribers[queue] = frozenset(plurals)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Change]) -> None:
        self._subscribers.pop(queue, None)

    def changes_since(self, plural: str, revision: int) -> list[Change]:
        """What happened after ``revision``; :class:`ApiError` 410 when that is no longer known."""
        if revision < self.complete_since:
            raise errors.expired(f"too old resource version: {revision} ({self.complete_since})")
        return [change for change in self._history if change.revision > revision and change.plural == plural]

    def forget_changes(self) -> None:
        """Nobody can begin to follow before now."""
        self._history.clear()
        self.complete_since = self.revision

    def tell(self, change: Change) -> None:
        """Keep the newest change, and tell it."""
        if len(self._history) == self._history.maxlen:
            self.complete_since = self._history[0].revision
        self._history.append(change)
        for queue, wanted in self._subscribers.items():
            if not wanted or change.plural in wanted:
                queue.put_nowait(change)
