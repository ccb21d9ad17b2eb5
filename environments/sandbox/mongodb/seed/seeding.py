"""The content of the database right after the start, see docs/facts/mongodb.md 8.1."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from environments.sandbox.mongodb.seed.recordings import RECORDING_INDEXES, recording
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.storage.store import Store

LIVE_PATH = "/prisma/root/recordings/segy"
ARCHIVE_PATH = "/prisma/root/recordings/archive"
BASE_PATHS = "base_paths"
UNRECOGNIZED_SUFFIX = "-unrecognized_recordings"

CLOSED_S, STEP_S, SHORT_S = 40.08, 39.0, 5.0
ENDED_AGO = timedelta(minutes=5)
GAPS_S: Mapping[int, float] = {30: 54.0, 60: 442.0}
"""Gaps in seconds, by place from the end; each gap precedes the recording at that place."""
SHORT = frozenset({15, 45, 75})
"""Places from the end of the recordings that last 5 s."""
ISOLATED_HOURS_AGO, ALONE_HOURS = 30, 6
"""The start of the isolated recording before now; earlier if the closed ones would come within ``ALONE_HOURS``."""
DELETED_EARLIER_HOURS: tuple[tuple[float, bool], ...] = ((20, True), (30, False), (40, False))
"""The time from the start of each soft-deleted recording to the isolated one, and whether it has an end."""
UNRECOGNIZED = 10


@dataclass(frozen=True)
class Seed:
    """Facts about the seed: collection names, and the windows of the isolated and the soft-deleted recordings."""

    guid: str
    archive_guid: str
    isolated: tuple[datetime, datetime]
    deleted: tuple[tuple[datetime, datetime | None], ...]
    """The start, and the end if any, of each soft-deleted recording, latest first."""

    def facts(self) -> dict[str, Any]:
        """The same as JSON, with times as ISO 8601 text."""
        return {
            "guid": self.guid, "archive_guid": self.archive_guid, "isolated_recording": _window(*self.isolated),
            "deleted_recordings": [_window(start, end) for start, end in self.deleted],
        }  # fmt: skip


def _window(start: datetime, end: datetime | None) -> dict[str, str | None]:
    return {"start_time": _text(start), "end_time": None if end is None else _text(end)}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def seed(store: Store, database: str, now: datetime, count: int) -> Seed:
    """Fill an empty ``database``; ``count`` closed recordings end five minutes before ``now``."""
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    guid, archive_guid = str(uuid.uuid4()), str(uuid.uuid4())
    paths = store.create(database, BASE_PATHS)
    paths.insert({"base_path": LIVE_PATH, "guid": guid})
    paths.insert({"base_path": ARCHIVE_PATH, "guid": archive_guid, "is_archive": True})
    live = _recordings_collection(store, database, guid)
    _recordings_collection(store, database, archive_guid)
    closed = closed_recordings(now, count)
    latest = min(
        [now - timedelta(hours=ISOLATED_HOURS_AGO - ALONE_HOURS), *(item["start_time"] for item in closed[:1])]
    )
    isolated_start = (latest - timedelta(hours=ALONE_HOURS)).replace(microsecond=120_000)
    isolated = (isolated_start, isolated_start + timedelta(seconds=40))
    deleted = [
        _deleted(latest - timedelta(hours=ALONE_HOURS + hours), with_end) for hours, with_end in DELETED_EARLIER_HOURS
    ]
    documents = [
        *reversed(deleted),
        recording(*isolated),
        *closed,
        recording(now - timedelta(seconds=20)),
        recording(now - timedelta(seconds=20), None),
    ]
    for document in documents:
        live.insert(document)
    _unrecognized(store.create(database, guid + UNRECOGNIZED_SUFFIX), now)
    windows = tuple((item["start_time"], item.get("end_time")) for item in deleted)
    return Seed(guid, archive_guid, isolated, windows)


def _recordings_collection(store: Store, database: str, guid: str) -> Collection:
    collection = store.create(database, guid)
    for index in RECORDING_INDEXES:
        collection.create_index(index)
    return collection


def _deleted(start: datetime, with_end: bool) -> dict[str, Any]:
    return recording(start, start + timedelta(seconds=40), deleted=True) if with_end else recording(start, deleted=True)


def closed_recordings(now: datetime, count: int) -> list[dict[str, Any]]:
    """The closed recordings, oldest first; neighbours overlap by 1.08 s except at the gaps."""
    windows: list[tuple[datetime, datetime]] = []
    following_start = now - ENDED_AGO
    for place in range(count):
        duration_s = SHORT_S if place in SHORT else CLOSED_S
        if place == 0:
            start = following_start - timedelta(seconds=duration_s)
        elif place - 1 in GAPS_S:
            start = following_start - timedelta(seconds=GAPS_S[place - 1] + duration_s)
        else:
            start = following_start - timedelta(seconds=SHORT_S - 1.08 if place in SHORT else STEP_S)
        windows.append((start, start + timedelta(seconds=duration_s)))
        following_start = start
    return [recording(start, end) for start, end in reversed(windows)]


def _unrecognized(collection: Collection, now: datetime) -> None:
    for number in range(UNRECOGNIZED):
        moment = now - timedelta(hours=number + 1)
        collection.insert({"folder_name": str(uuid.uuid4()), "file_count": number % 4 + 1, "update_time": moment})
