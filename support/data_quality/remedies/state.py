"""The current state of an index or recording, in the form that a change uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from support.clients.mongodb.facts import Document
from support.data_quality.remedies.changes import CHANGED_FIELDS, IndexChange, RemedyChange, definition_of


class ReadableState(Protocol):
    """The part of the MongoDB client that is used here."""

    def find(
        self, collection: str, query: Mapping[str, Any] | None = None, *, projection: Mapping[str, Any] | None = None
    ) -> list[Document]: ...

    def indexes(self, collection: str) -> dict[str, Document]: ...


def state_of_change(database: ReadableState, change: RemedyChange) -> Document | None:
    """Return the current state, or None if the index or recording does not exist.

    It equals ``change.before`` if the change was not made, and ``change.after`` if it was.
    """
    if isinstance(change, IndexChange):
        info = database.indexes(change.collection).get(change.name)
        return None if info is None else definition_of(change.name, info)
    projection = dict.fromkeys(CHANGED_FIELDS, 1)
    found = database.find(change.collection, {"_id": change.document_id}, projection=projection)
    return {name: value for name, value in found[0].items() if name != "_id"} if found else None
