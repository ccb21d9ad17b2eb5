"""The log of changes to the store: one change per write, kept for a while and sent to subscribers."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from environments.sandbox.kubernetes.store import errors
from environments.sandbox.shared.json_text import encode

Object = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One write. ``type`` is ADDED, MODIFIED or DELETED; ``previous`` is the object before the write, if any."""

    type: str
    plural: str
    object: Object
    revision: int
    previous: Object | None = None

    @cached_property
    def encoded(self) -> bytes:
        """The object as JSON, encoded only once for all watchers."""
        return encode(self.object)

    @cached_property
    def encoded_item(self) -> bytes:
        """The object as a list item, where the real server leaves out kind and apiVersion."""
        return encode({key: value for key, value in self.object.items() if key not in ("apiVersion", "kind")})


class ChangeLog:
    """The most recent changes. Changes up to revision ``complete_since`` are no longer kept."""

    def __init__(self, history: int) -> None:
        self.revision = self.complete_since = 1
        self._history: deque[Change] = deque(maxlen=history)
        self._subscribers: dict[asyncio.Queue[Change], frozenset[str]] = {}

    def subscribe(self, *plurals: str) -> asyncio.Queue[Change]:
        """Return a queue that receives all changes from now on, or only those of the given kinds."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._subscribers[queue] = frozenset(plurals)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Change]) -> None:
        self._subscribers.pop(queue, None)

    def changes_since(self, plural: str, revision: int) -> list[Change]:
        """Return the changes after ``revision``. Raises :class:`ApiError` 410 if they are no longer kept."""
        if revision < self.complete_since:
            raise errors.expired(f"too old resource version: {revision} ({self.complete_since})")
        newer = itertools.takewhile(lambda change: change.revision > revision, reversed(self._history))
        return [change for change in newer if change.plural == plural][::-1]

    def forget_changes(self) -> None:
        """Forget all changes, so that no watch can start from an older revision."""
        self._history.clear()
        self.complete_since = self.revision

    def tell(self, change: Change) -> None:
        """Keep the newest change and send it to the subscribers."""
        if len(self._history) == self._history.maxlen:
            self.complete_since = self._history[0].revision
        self._history.append(change)
        for queue, wanted in self._subscribers.items():
            if not wanted or change.plural in wanted:
                queue.put_nowait(change)
