"""State of the recording index at one moment, limited to what an outage must not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class ReadableIndex(Protocol):
    """The part of the MongoDB client that is used here."""

    def recordings_collection(self, base_path: str) -> str: ...

    def find(
        self, collection: str, query: Mapping[str, Any] | None = None, *, projection: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]: ...

    def collections(self) -> list[str]: ...

    def indexes(self, collection: str) -> dict[str, dict[str, Any]]: ...


@dataclass(frozen=True)
class Kept:
    """The values of one recording that are compared."""

    start: object
    end: object
    deleted: object

    def continues(self, before: Kept) -> bool:
        """Whether this is the recording ``before``, which may have ended meanwhile if it was open."""
        same = (self.start, self.deleted) == (before.start, before.deleted)
        return same and (before.end is None or self.end == before.end)


@dataclass(frozen=True)
class IndexState:
    """``recordings`` by uuid; ``uuids`` of all documents, duplicates included; ``indexes`` described by their keys."""

    recordings: Mapping[str, Kept]
    uuids: tuple[str, ...]
    collections: frozenset[str]
    indexes: frozenset[str]


def state_of(index: ReadableIndex, base_path: str) -> IndexState:
    """Return the present state of the database."""
    collection = index.recordings_collection(base_path)
    fields = {"uuid": 1, "start_time": 1, "end_time": 1, "deleted": 1}
    documents = [document for document in index.find(collection, projection=fields) if "uuid" in document]
    return IndexState(
        {str(one["uuid"]): Kept(one.get("start_time"), one.get("end_time"), one.get("deleted")) for one in documents},
        tuple(str(one["uuid"]) for one in documents),
        frozenset(index.collections()),
        frozenset(_indexes(index.indexes(collection))),
    )


def _indexes(found: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for index in found.values():
        keys = ", ".join(f"{field} {direction}" for field, direction in index["key"])
        yield f"({keys}){' unique' if index.get('unique') else ''}"
