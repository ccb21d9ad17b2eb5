"""A listener that records all database commands in the journal."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from support.clients.journal import Journal

TARGET = "mongodb"
_DRIVER_FIELDS = ("lsid", "$clusterTime", "$db", "$readPreference", "txnNumber", "maxTimeMS")
_DOCUMENTS_SHOWN = 3


class CommandJournal(CommandListener):
    """Records database commands in the journal. The driver hides the content of login commands."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._asked: dict[int, str] = {}

    def started(self, event: CommandStartedEvent) -> None:
        fields = {name: value for name, value in event.command.items() if name not in _DRIVER_FIELDS}
        with self._lock:
            self._asked[event.request_id] = f"{event.database_name}: {fields}"

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._note(event.request_id, _answer(event.reply), event.duration_micros)

    def failed(self, event: CommandFailedEvent) -> None:
        self._note(event.request_id, f"failed: {event.failure}", event.duration_micros)

    def _note(self, request_id: int, answer: str, duration_micros: int) -> None:
        with self._lock:
            asked = self._asked.pop(request_id, "a command")
        self._journal.record(TARGET, asked, answer, duration_micros / 1_000_000)


def _answer(reply: Mapping[str, Any]) -> str:
    """Return the reply as text; for a batch of documents, their number and the first few."""
    cursor = reply.get("cursor")
    if not isinstance(cursor, Mapping):
        return str({name: value for name, value in reply.items() if name not in _DRIVER_FIELDS})
    batch = cursor.get("firstBatch", cursor.get("nextBatch", ()))
    return f"{len(batch)} documents: {list(batch[:_DOCUMENTS_SHOWN])}"
