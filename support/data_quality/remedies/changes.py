"""What a remedy changes, one thing at a time: what was there, what will be, and the commands that lead there and back.

The commands are made of these values alone, so that what a plan shows is what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from support.clients.mongodb.facts import Document

MOST_MS = 600_000
"""How long the database may build one index; it gives up by itself after that."""
CLOSED_AFTER = timedelta(seconds=5)
"""How long a recording is said to have lasted that nobody closed: one file, as the recorder itself does
(docs/facts/mongodb.md 1.9)."""
CHANGED_FIELDS = ("end_time", "cleanup_note")
"""What closing a recording changes of it."""
_OPTIONS = ("unique", "hidden", "sparse", "partialFilterExpression", "expireAfterSeconds", "collation")


@dataclass(frozen=True)
class IndexChange:
    """An index that is built, made unique or shown again. ``before`` is its definition (``key``, ``name`` and options)
    or None where there is none; ``after`` the one that is wanted. ``quorum`` for a replica set only."""

    collection: str
    before: Document | None
    after: Document
    quorum: str | None = None

    @property
    def name(self) -> str:
        return str(self.after["name"])

    @property
    def what(self) -> str:
        by = ", ".join(self.after["key"])
        if self.before is None:
            return f"build the {'unique ' if self.after.get('unique') else ''}index {self.name} by {by}"
        words = ["let searches use it again"] * bool(self.before.get("hidden"))
        words += ["make it unique"] * (not self.before.get("unique") and bool(self.after.get("unique")))
        return f"change the index {self.name} by {by}: {', '.join(words)}"

    @property
    def back(self) -> str:
        if self.before is None:
            return f"drop the index {self.name}"
        return f"give the index {self.name} the definition it had"

    def commands(self) -> list[Document]:
        if self.before is None:
            return [self._create(self.after)]
        steps: list[Document] = []
        if self.before.get("hidden"):
            steps.append({"hidden": False})
        if self.after.get("unique") and not self.before.get("unique"):
            steps += [{"prepareUnique": True}, {"unique": True}]
        return [self._alter(step) for step in steps]

    def repairs(self) -> list[Document]:
        """What a conversion to a unique index leaves when it fails, taken back."""
        prepared = self.before is not None and self.after.get("unique") and not self.before.get("unique")
        return [self._alter({"prepareUnique": False})] if prepared else []

    def commands_back(self) -> list[Document]:
        """A unique index can only become an ordinary one by being built anew."""
        drop = {"dropIndexes": self.collection, "index": self.name}
        if self.before is None:
            return [drop]
        if self.after.get("unique") and not self.before.get("unique"):
            return [drop, self._create(self.before)]
        return [self._alter({"hidden": True})]

    def _create(self, definition: Document) -> Document:
        quorum = {"commitQuorum": self.quorum} if self.quorum else {}
        return {"createIndexes": self.collection, "indexes": [definition], "maxTimeMS": MOST_MS, **quorum}

    def _alter(self, option: Mapping[str, Any]) -> Document:
        return {"collMod": self.collection, "index": {"name": self.name, **option}, "maxTimeMS": MOST_MS}


@dataclass(frozen=True)
class RecordingChange:
    """A recording that is closed. ``before`` holds the fields that are changed, as far as they were there."""

    collection: str
    document_id: Any
    uuid: str
    start: datetime
    before: Document

    @property
    def end(self) -> datetime:
        return self.start + CLOSED_AFTER

    @property
    def after(self) -> Document:
        return {"end_time": self.end, "cleanup_note": self.note}

    @property
    def note(self) -> str:
        was = "null" if "end_time" in self.before else "absent"
        return f"closed by focus-acceptance remedy stale-recordings: end_time was {was}"

    @property
    def what(self) -> str:
        seconds = CLOSED_AFTER.total_seconds()
        begun = f"{self.start:%Y-%m-%d %H:%M:%S} UTC"
        return f"close the recording {self.uuid}, open since {begun}: it ended {seconds:g} s after its start"

    @property
    def back(self) -> str:
        return f"leave the recording {self.uuid} open, as it was"

    def commands(self) -> list[Document]:
        """Only a document that is still as the plan has seen it is changed: open, not deleted, begun when it was."""
        unchanged = {"_id": self.document_id, "start_time": self.start, "end_time": None, "deleted": False}
        return [self._update(unchanged, {"$set": self.after})]

    def commands_back(self) -> list[Document]:
        ours = {"_id": self.document_id, **self.after}
        gone = {name: "" for name in CHANGED_FIELDS if name not in self.before}
        parts = {"$set": self.before, "$unset": gone}
        return [self._update(ours, {operator: fields for operator, fields in parts.items() if fields})]

    def _update(self, query: Document, change: Document) -> Document:
        return {"update": self.collection, "updates": [{"q": query, "u": change, "multi": False}]}


RemedyChange = IndexChange | RecordingChange


def definition_of(name: str, info: Mapping[str, Any]) -> Document:
    """The definition of an index as ``createIndexes`` takes it, from what the driver tells of one that is there."""
    options = {option: info[option] for option in _OPTIONS if info.get(option) not in (None, False)}
    return {"key": dict(info.get("key", ())), "name": name, **options}
