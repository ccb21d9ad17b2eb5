"""Matchers for the location of the recording index and for the way it is searched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.checks.matcher import Judged, judged
from support.model.recording_index import Lookups, Search, StoragePath

FIELDS: Mapping[str, str] = {
    "start time": "start_time",
    "end time": "end_time",
    "mark of deletion": "deleted",
    "uuid": "uuid",
}
"""The fields by which recordings are looked up, by their names in the features."""


def has_an_entry() -> Judged[StoragePath]:
    return judged(
        "a live entry of base_paths for the configured path",
        lambda found: None if found.entries else f"base_paths has no live entry for {found.path}",
    )


def has_its_collection() -> Judged[StoragePath]:
    def mismatch(found: StoragePath) -> str | None:
        missing = [entry.guid for entry in found.entries if entry.guid not in found.collections]
        if missing or not found.entries:
            return f"{found.path} leads to {', '.join(missing) or 'nothing'}, which is no collection"
        return None

    return judged("an entry that names a collection", mismatch)


def has_no_second_entry() -> Judged[StoragePath]:
    def mismatch(found: StoragePath) -> str | None:
        guids = [entry.guid for entry in found.entries]
        if not guids:
            return f"base_paths has no live entry for {found.path}, so there is none to compare"
        return f"{len(guids)} live entries for {found.path}: {', '.join(guids)}" if len(guids) > 1 else None

    return judged("one live entry for the path", mismatch)


def has_an_index_by(field: str) -> Judged[Lookups]:
    """Match a collection with an index whose first key is the field, under any name.

    A hidden or partial index does not count.
    """

    def mismatch(lookups: Lookups) -> str | None:
        reasons = [_unusable(info) for info in lookups.indexes.values() if _keys(info)[:1] == [field]]
        if None in reasons:
            return None
        return f"the index by {field} is {reasons[0]}" if reasons else f"{lookups.collection} has no index by {field}"

    return judged(f"an index by {field}", mismatch)


def admits_each_uuid_once() -> Judged[Lookups]:
    def mismatch(lookups: Lookups) -> str | None:
        own = [info for info in lookups.indexes.values() if _keys(info) == ["uuid"]]
        if any(info.get("unique") is True and "partialFilterExpression" not in info for info in own):
            return None
        what = "the index by uuid is not unique" if own else "there is no index by uuid"
        return f"{what}: collection {lookups.collection} admits a uuid twice"

    return judged("a unique index by uuid", mismatch)


def uses_an_index() -> Judged[Search]:
    def mismatch(search: Search) -> str | None:
        if "COLLSCAN" not in search.stages and any("IXSCAN" in stage for stage in search.stages):
            return None
        plan = " of ".join(search.stages) or "no plan"
        return f"it is answered by {plan}, which read {search.documents_examined} documents"

    return judged("a search that uses an index", mismatch)


def _keys(info: Mapping[str, Any]) -> list[str]:
    return [str(name) for name, _ in info.get("key", ())]


def _unusable(info: Mapping[str, Any]) -> str | None:
    if info.get("hidden"):
        return "hidden"
    return "partial" if "partialFilterExpression" in info else None
