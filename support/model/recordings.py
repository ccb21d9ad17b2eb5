"""The recording index as the suite uses it: specimens, and the truth to compare the server's answers with."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from support.clients.change_journal import Changes

RECORDING = "recording"
# A specimen is isolated if no hidden time-zone offset (2 h in winter, 3 h in summer) can reach another recording.
ALONE_WITHIN = timedelta(hours=4)
STALE_AFTER = timedelta(hours=24)
# Far enough from the limits of Python's dates that hours can be added.
_FOR_EVER = datetime(9000, 1, 1, tzinfo=UTC)
_NEVER = datetime(2, 1, 1, tzinfo=UTC)
_FINISHED_FOR = timedelta(minutes=2)
_APPEARED_AFTER = timedelta(seconds=15)
"""Time after its start in which a recording may not be in the index yet (docs/facts/mongodb.md 1.6)."""
_WITH_TIMES = {"start_time": {"$type": "date"}, "$or": [{"end_time": None}, {"end_time": {"$type": "date"}}]}


class RecordingIndex(Protocol):
    """The part of the MongoDB client that is used here."""

    def recordings_collection(self, base_path: str) -> str: ...

    def find(
        self, collection: str, query: Mapping[str, Any] | None = None, *, sort: Sequence[tuple[str, int]] | None = None
    ) -> list[dict[str, Any]]: ...

    def insert_recording(self, collection: str, document: Mapping[str, Any]) -> Any: ...

    def delete_recordings(self, collection: str, uuids: Iterable[str]) -> int: ...


@dataclass(frozen=True)
class Recording:
    """One document of the index. ``end`` is None while it is open, ``deleted`` is None if its mark is not a boolean."""

    uuid: str
    start: datetime
    end: datetime | None
    deleted: bool | None

    @property
    def is_closed(self) -> bool:
        """Whether the recording ended after it started. A specimen must be sound, or its own defect would be judged."""
        return self.end is not None and self.end > self.start

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether the recording shares more than an instant with [start, end]."""
        return self.start < end and (self.end or datetime.max.replace(tzinfo=UTC)) > start

    def __str__(self) -> str:
        return f"recording {self.uuid} from {self.start.isoformat()} to {self.end.isoformat() if self.end else 'open'}"


class Recordings:
    """Specimens and truth from the recordings collection of the configured base path."""

    def __init__(self, index: RecordingIndex, base_path: str, changes: Changes) -> None:
        self._index = index
        self._base_path = base_path
        self._changes = changes

    @property
    def collection(self) -> str:
        return self._index.recordings_collection(self._base_path)

    def all(self) -> list[Recording]:
        """Return all recordings whose times are dates, by start time."""
        documents = self._index.find(self.collection, _WITH_TIMES, sort=[("start_time", 1)])
        return [_recording(document) for document in documents if isinstance(document["start_time"], datetime)]

    def finished(self) -> list[Recording]:
        """Return the recordings that are not deleted and have been closed for a while. One that has just ended may not
        be visible yet (docs/facts/focus-server.md 2.7)."""
        latest = datetime.now(UTC) - _FINISHED_FOR
        closed = [found for found in self.all() if found.deleted is False and found.is_closed]
        return [found for found in closed if found.end is not None and found.end < latest]

    def long_one(self) -> Recording:
        """Return the latest finished recording of at least half a minute."""
        long_ones = [found for found in self.finished() if _seconds(found) >= 30]
        return _one(long_ones[-1:], "finished recording of at least 30 s", self.collection)

    def open_one(self) -> Recording:
        """Return the latest open recording that is neither deleted nor stale, and old enough to be in the index."""
        begun = datetime.now(UTC) - _APPEARED_AFTER
        oldest = datetime.now(UTC) - STALE_AFTER
        going_on = [found for found in self.all() if found.end is None and found.deleted is False]
        going_on = [found for found in going_on if oldest < found.start < begun]
        return _one(going_on[-1:], "recording that goes on", self.collection)

    def series(self, count: int) -> list[Recording]:
        """Return the latest ``count`` finished recordings that follow each other without a gap."""
        finished = [found for found in self.finished() if _seconds(found) >= 30]
        for first in range(len(finished) - count, -1, -1):
            some = finished[first : first + count]
            if all(later.start <= (earlier.end or later.start) for earlier, later in zip(some, some[1:], strict=False)):
                return some
        raise AssertionError(f"no {count} recordings that follow each other without a gap in {self.collection}")

    def isolated(self) -> Recording:
        """Return a finished recording with no other recording near it."""
        return _one(self._alone(self.finished()), "isolated finished recording", self.collection)

    def deleted_alone(self) -> Recording:
        """Return a deleted recording with both times and no other recording near it. One without an end might be
        ignored because it is open."""
        deleted = [found for found in self.all() if found.deleted and found.is_closed]
        return _one(self._alone(deleted), "isolated deleted recording", self.collection)

    def _alone(self, candidates: list[Recording]) -> list[Recording]:
        everything = self.all()

        def has_neighbour(one: Recording) -> bool:
            first, last = one.start - ALONE_WITHIN, (one.end or one.start) + ALONE_WITHIN
            return any(
                other.uuid != one.uuid and other.start < last and _last_data(other) > first for other in everything
            )

        return [candidate for candidate in candidates if not has_neighbour(candidate)]

    def touching(self, times: Mapping[str, int | None]) -> list[Recording]:
        """Return the recordings that a window in epoch seconds must list: neither deleted nor stale, by start time.

        A recording whose end lies outside the years of the calendar cannot be listed; DQ-03 reports it.
        """
        start, end = (datetime.fromtimestamp(times[key] or 0, UTC) for key in ("start_time", "end_time"))
        oldest_open = datetime.now(UTC) - STALE_AFTER
        return [
            found
            for found in self.all()
            if not found.deleted and found.touches(start, end) and _ends_on_a_date(found, oldest_open)
        ]

    def metadata_touching(self, times: Mapping[str, int | None]) -> list[Mapping[str, Any]]:
        """Return the metadata in the index of how the recordings of a window were made, by start time."""
        query = {"uuid": {"$in": [found.uuid for found in self.touching(times)]}}
        documents = self._index.find(self.collection, query, sort=[("start_time", 1)])
        return [document["fiber_metadata"] for document in documents if document.get("fiber_metadata")]

    def quiet_moment(self) -> datetime:
        """Return a moment with no recording of any kind for hours around it: the latest one before all recordings."""
        everything = self.all()
        first = everything[0].start if everything else datetime.now(UTC)
        return first - 2 * ALONE_WITHIN

    def add_stale(self) -> Recording:
        """Add an open recording that started long ago, away from all others, until the end of the scenario. Needs the
        permission to write."""
        return self._add_open(self.quiet_moment() - STALE_AFTER)

    def add_open_for(self, time: timedelta) -> Recording:
        """Add a recording that has been open for ``time``, among the others, until the end of the scenario."""
        return self._add_open(datetime.now(UTC).replace(microsecond=0) - time)

    def _add_open(self, start: datetime) -> Recording:
        added = Recording(str(uuid.uuid4()), start, None, False)
        document = {"uuid": added.uuid, "start_time": start, "end_time": None, "deleted": False}
        collection = self.collection
        self._changes.begin(RECORDING, f"open {added} in {collection}", collection=collection, uuid=added.uuid)
        self._index.insert_recording(collection, document)
        return added

    def remove(self, undo: Mapping[str, Any]) -> None:
        """Remove a recording that was added, and verify that the index no longer has it."""
        self._index.delete_recordings(undo["collection"], [undo["uuid"]])
        if self._index.find(undo["collection"], {"uuid": undo["uuid"]}):
            raise AssertionError(f"recording {undo['uuid']} is still in {undo['collection']}")


def _recording(document: Mapping[str, Any]) -> Recording:
    return Recording(
        uuid=str(document.get("uuid")),
        start=_utc(document["start_time"]),
        end=_end(document["end_time"]) if document.get("end_time") is not None else None,
        deleted=_mark(document),
    )


def _end(value: Any) -> datetime:
    """Return an end as a date. Outside the years that Python supports, the recording lasts for ever or never began."""
    if isinstance(value, datetime):
        return _utc(value)
    return _FOR_EVER if int(value) > 0 else _NEVER


def _ends_on_a_date(found: Recording, oldest_open: datetime) -> bool:
    """Whether the recording ends on a date, or is open and not stale."""
    if found.end is None:
        return found.start > oldest_open
    return found.end not in (_FOR_EVER, _NEVER)


def _mark(document: Mapping[str, Any]) -> bool | None:
    """Return the mark of deletion. A recording without one is not deleted."""
    mark = document.get("deleted", False)
    return mark if isinstance(mark, bool) else None


def _last_data(recording: Recording) -> datetime:
    """Return the time until which the recording can hold data: now, if it is open and neither deleted nor stale."""
    now = datetime.now(UTC)
    if recording.end is None and not recording.deleted and recording.start > now - STALE_AFTER:
        return now
    return recording.end or recording.start


def _utc(moment: datetime) -> datetime:
    """Return a time in UTC. The driver returns naive UTC by default."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _seconds(recording: Recording) -> float:
    return (recording.end - recording.start).total_seconds() if recording.end else 0.0


def _one(found: list[Recording], what: str, collection: str) -> Recording:
    if not found:
        raise AssertionError(f"no {what} in collection {collection}, although the environment declares it")
    return found[0]
