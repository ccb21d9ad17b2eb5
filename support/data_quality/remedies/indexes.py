"""The indexes that the collection of recordings lacks, judged by the checks that the features use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from support.checks.recording_index import FIELDS, admits_each_uuid_once, has_an_index_by
from support.clients.mongodb.facts import Document
from support.data_quality.remedies.changes import IndexChange, definition_of
from support.model.recording_index import Lookups

UNIQUE = "uuid"
_TOLD = 5


class IndexedCollection(Protocol):
    """The part of the MongoDB client that is used here."""

    def indexes(self, collection: str) -> dict[str, Document]: ...

    def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]: ...

    def command(self, name: str, value: Any = 1, *, admin: bool = False, **arguments: Any) -> Document: ...


@dataclass(frozen=True)
class IndexNeeds:
    """The indexes that must be built or changed, and the obstacles to the rest."""

    changes: tuple[IndexChange, ...]
    blocked: tuple[str, ...]


def index_needs(database: IndexedCollection, collection: str) -> IndexNeeds:
    """Derive the needs from the current indexes. The unique index waits until no uuid occurs twice."""
    lookups = Lookups(collection, database.indexes(collection))
    changes, blocked = [], []
    for field in FIELDS.values():
        if _is_well(lookups, field):
            continue
        sentences = list(_in_the_way(database, lookups, field))
        if sentences:
            blocked += sentences
        else:
            changes.append(_change(database, lookups, field))
    return IndexNeeds(tuple(changes), tuple(blocked))


def _is_well(lookups: Lookups, field: str) -> bool:
    checks = [has_an_index_by(field), *([admits_each_uuid_once()] if field == UNIQUE else [])]
    return all(check.matches(lookups) for check in checks)


def _own(lookups: Lookups, field: str) -> Document | None:
    """Return the ascending index of this field alone, whatever its name and options."""
    found = (definition_of(name, info) for name, info in lookups.indexes.items())
    return next((one for one in found if one["key"] == {field: 1}), None)


def _change(database: IndexedCollection, lookups: Lookups, field: str) -> IndexChange:
    before = _own(lookups, field)
    unique = {"unique": True} if field == UNIQUE else {}
    after = {"key": {field: 1}, "name": before["name"] if before else f"{field}_1", **unique}
    return IndexChange(lookups.collection, before, after, _quorum(database))


def _quorum(database: IndexedCollection) -> str | None:
    """Return the commit quorum: a majority, so that an absent member does not block a build.

    A standalone server rejects a quorum, so it gets none.
    """
    return "majority" if database.command("hello", admin=True).get("setName") else None


def _in_the_way(database: IndexedCollection, lookups: Lookups, field: str) -> Iterator[str]:
    own = _own(lookups, field)
    if own is not None and (others := sorted(own.keys() - {"key", "name", "unique", "hidden"})):
        yield f"the index {own['name']} by {field} has {', '.join(others)}: drop it, or change it by hand"
    if own is None and (taken := lookups.indexes.get(f"{field}_1")) is not None:
        by = ", ".join(str(name) for name, _ in taken["key"])
        yield f"the name {field}_1 is that of an index by {by}: rename that one by building it anew"
    if field == UNIQUE:
        yield from _duplicates(database, lookups.collection)


def _duplicates(database: IndexedCollection, collection: str) -> Iterator[str]:
    pipeline: list[Document] = [
        {"$group": {"_id": f"${UNIQUE}", "count": {"$sum": 1}}},
        {"$match": {"count": {"$gt": 1}}},
        {"$sort": {"count": -1, "_id": 1}},
    ]
    found = database.aggregate(collection, pipeline)
    if found:
        shared = [f"{one['count']} of {one['_id']!r}" if one["_id"] else f"{one['count']} without any" for one in found]
        more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
        yield (
            f"no unique index by {UNIQUE} can be built, because recordings share one: {'; '.join(shared[:_TOLD])}{more}"
            "; find out which of them are wrong, and delete those"
        )
