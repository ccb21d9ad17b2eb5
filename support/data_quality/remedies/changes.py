"""The single changes of a remedy: the state before, the state after, and the commands that make and undo a change.

The commands are made of these values alone, so that a plan shows what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from support.clients.mongodb.facts import Document

MOST_MS = 600_000
"""The longest time that the database may build one index. It gives up by itself after that."""
CLOSED_AFTER = timedelta(seconds=5)
"""The duration given to a recording that was never closed: one file, as the recorder itself does
(docs/facts/mongodb.md 1.9)."""
CHANGED_FIELDS = ("end_time", "cleanup_note")
"""The fields that closing a recording changes."""
_OPTIONS = ("unique", "hidden", "sparse", "partialFilterExpression", "expireAfterSeconds", "collation")


@dataclass(frozen=True)
class IndexChange:
    """An index that is built, made unique or unhidden. ``before`` is its definition (``key``, ``name`` and options), or
    None if it does not exist. ``after`` is the wanted definition. ``quorum`` is for a replica set only."""

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
        """Return the commands that undo what a failed conversion to a unique index leaves."""
        prepared = self.before is not None and self.after.get("unique") and not self.before.get("unique")
        return [self._alter({"prepareUnique": False})] if prepared else []

    def commands_back(self) -> list[Document]:
        """Return the commands that undo the change. A unique index must be rebuilt to become an ordinary one."""
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
    """A recording that is closed. ``before`` holds the old values of the changed fields that existed."""

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
        """Return the commands.

        They change the document only if it is still as planned: open, not deleted, same start.
        """
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
    """Convert what the driver reports on an existing index to a definition for ``createIndexes``."""
    options = {option: info[option] for option in _OPTIONS if info.get(option) not in (None, False)}
    return {"key": dict(info.get("key", ())), "name": name, **options}
