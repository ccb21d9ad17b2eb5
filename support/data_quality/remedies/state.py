"""What of a change is there now, in the form in which the change itself has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from support.clients.mongodb.facts import Document
from support.data_quality.remedies.changes import CHANGED_FIELDS, IndexChange, RemedyChange, definition_of


class ReadableState(Protocol):
    """What is used of the MongoDB client."""

    def find(
        self, collection: str, query: Mapping[str, Any] | None = None, *, projection: Mapping[str, Any] | None = None
    ) -> list[Document]: ...

    def indexes(self, collection: str) -> dict[str, Document]: ...


def state_of_change(database: ReadableState, change: RemedyChange) -> Document | None:
    """Equal to ``change.before`` where it was not made, to ``change.after`` where it was; None if it is not there."""
    if isinstance(change, IndexChange):
        info = database.indexes(change.collection).get(change.name)
        return None if info is None else definition_of(change.name, info)
    projection = dict.fromkeys(CHANGED_FIELDS, 1)
    found = database.find(change.collection, {"_id": change.document_id}, projection=projection)
    return {name: value for name, value in found[0].items() if name != "_id"} if found else None
