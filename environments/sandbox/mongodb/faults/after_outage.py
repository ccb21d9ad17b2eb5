"""What an outage does to data that does not survive it: in force when the process starts with data of before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from environments.sandbox.mongodb.storage.collection import Collection, Document
from environments.sandbox.mongodb.storage.ordering import sort_key

LOST, TWICE = 3, 2
"""How many recordings are lost, and how many are there twice."""


def _newest(recordings: Collection, count: int) -> list[Document]:
    dated = [one for one in recordings.documents.values() if isinstance(one.get("start_time"), datetime)]
    return sorted(dated, key=lambda document: sort_key(document["start_time"]))[-count:]


def _lose(recordings: Collection) -> None:
    for document in _newest(recordings, LOST):
        record = recordings.record_of(document["_id"])
        assert record is not None
        recordings.delete(record)


def _double(recordings: Collection) -> None:
    """The unique index goes with it, or it would not let them in."""
    unique = recordings.find_index({"uuid": 1})
    if unique is not None:
        recordings.drop_index(unique.name)
        recordings.create_index({"key": {"uuid": 1}})
    for document in _newest(recordings, TWICE):
        recordings.insert({**document, "_id": ObjectId()})


def _drop_index(recordings: Collection) -> None:
    index = recordings.find_index({"end_time": 1})
    if index is not None:
        recordings.drop_index(index.name)


DAMAGES: Mapping[str, Callable[[Collection], Any]] = {
    "outage-loses-recordings": _lose,
    "outage-doubles-recordings": _double,
    "outage-drops-an-index": _drop_index,
}
"""What each fault does to the recordings."""
