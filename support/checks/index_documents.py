"""Matchers for the documents of the recording index. They name each offending document with the reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from support.checks.matcher import Judged, judged, listed
from support.model.index_documents import IndexSnapshot, RecordingDocument, Unrecognised

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Window = tuple[datetime, datetime, str]
CLASSES = ("historical", "live", "stale", "deleted", "invalid")


def _judged(wanted: str, mismatches: Callable[[IndexSnapshot], Iterable[str]]) -> Judged[IndexSnapshot]:
    """Make a matcher that also rejects an index without any recording, because nothing could be judged."""

    def mismatch(snapshot: IndexSnapshot) -> str | None:
        if not snapshot.recordings:
            return f"collection {snapshot.collection} holds no recording"
        return listed(mismatches(snapshot))

    return judged(wanted, mismatch)


def _uuid_trouble(entry: RecordingDocument) -> str | None:
    return None if isinstance(entry.uuid, str) and _UUID.fullmatch(entry.uuid) else _is_no(entry, "uuid", "uuid")


def _start_trouble(entry: RecordingDocument) -> str | None:
    return None if entry.start is not None else _is_no(entry, "start_time", "date")


def _end_trouble(entry: RecordingDocument) -> str | None:
    return None if entry.is_open or entry.end is not None else _is_no(entry, "end_time", "date")


def _mark_trouble(entry: RecordingDocument) -> str | None:
    return None if isinstance(entry.deleted, bool) else _is_no(entry, "deleted", "boolean")


def _is_no(entry: RecordingDocument, field: str, kind: str) -> str:
    value = entry.raw.get(field)
    return f"{entry} has no {field}" if value is None else f"{entry} has {field} {value!r}, which is no {kind}"


def _order_trouble(entry: RecordingDocument) -> str | None:
    if entry.start is None or entry.end is None or entry.end > entry.start:
        return None
    return f"{entry} ends {'when' if entry.end == entry.start else 'before'} it starts"


@dataclass(frozen=True)
class RecordingFact:
    """A requirement on recordings: ``wanted`` states it, and ``trouble`` says how a recording violates it."""

    wanted: str
    trouble: Callable[[RecordingDocument], str | None]


RECORDING_FACTS: Mapping[str, RecordingFact] = {
    "has a uuid": RecordingFact("a uuid in every recording", _uuid_trouble),
    "has a start time": RecordingFact("a start time in every recording", _start_trouble),
    "has an end time, unless it is still open": RecordingFact(
        "an end time, unless it is still open, in every recording", _end_trouble
    ),
    "has a mark whether it is deleted": RecordingFact("a mark whether it is deleted in every recording", _mark_trouble),
    "ends after it starts, unless it is still open": RecordingFact(
        "recordings that end after they start", _order_trouble
    ),
}
"""The facts by their wording in the features."""


def every_recording(fact: RecordingFact) -> Judged[IndexSnapshot]:
    """Match an index in which the fact is true of every recording."""
    return _judged(
        fact.wanted, lambda snapshot: [said for entry in snapshot.recordings if (said := fact.trouble(entry))]
    )


def every_uuid_is_its_own() -> Judged[IndexSnapshot]:
    def mismatches(snapshot: IndexSnapshot) -> Iterable[str]:
        counts = Counter(entry.uuid for entry in snapshot.recordings if isinstance(entry.uuid, str))
        return [f"{count} recordings have uuid {uuid}" for uuid, count in counts.items() if count > 1]

    return _judged("a uuid of its own for every recording", mismatches)


def neighbours_overlap_at_most(limit_s: float) -> Judged[IndexSnapshot]:
    """Match an index whose finished, undeleted recordings overlap by at most ``limit_s``.

    The recorder itself causes small overlaps.
    """

    def mismatches(snapshot: IndexSnapshot) -> Iterable[str]:
        windows = sorted(window for entry in snapshot.recordings if (window := _window(snapshot, entry)))
        if len(windows) < 2:
            yield f"{len(windows)} of {len(snapshot.recordings)} recordings are finished: there are none to compare"
        for last, window in zip(accumulate(windows, _that_ends_later), windows[1:], strict=False):
            overlap_s = (min(last[1], window[1]) - window[0]).total_seconds()
            if overlap_s > limit_s:
                yield f"{window[2]} overlaps {last[2]} by {overlap_s:.1f} s"

    return _judged(f"overlaps of at most {limit_s:g} s", mismatches)


def _that_ends_later(one: Window, other: Window) -> Window:
    return one if one[1] >= other[1] else other


def _window(snapshot: IndexSnapshot, entry: RecordingDocument) -> Window | None:
    """Return start, end and name of a recording that is finished and not deleted; None for any other."""
    if snapshot.classes_of(entry) != ["historical"] or entry.start is None or entry.end is None:
        return None
    return entry.start, entry.end, str(entry)


def no_recording_is_stale() -> Judged[IndexSnapshot]:
    def mismatches(snapshot: IndexSnapshot) -> Iterable[str]:
        if all(snapshot.age(entry) is None for entry in snapshot.recordings):
            yield f"of none of {len(snapshot.recordings)} recordings it is known when it was begun"
        for entry in snapshot.recordings:
            age = snapshot.age(entry)
            if age is not None and snapshot.is_stale(entry):
                yield f"{entry} has been open for {age.total_seconds() / 3600:.1f} h"

    return _judged("no recording that was left open", mismatches)


def every_document_has_one_class() -> Judged[IndexSnapshot]:
    """Match an index in which each document has one class.

    The sum of the classes alone would miss a document in two classes beside another in none.
    """

    def mismatches(snapshot: IndexSnapshot) -> Iterable[str]:
        classes = [(entry, snapshot.classes_of(entry)) for entry in snapshot.recordings]
        offending = [
            f"{entry} belongs to {' and '.join(found) or 'no class'}" for entry, found in classes if len(found) != 1
        ]
        if not offending:
            return []
        counts = Counter(name for _, found in classes for name in found)
        total = " + ".join(f"{counts[name]} {name}" for name in CLASSES)
        return [f"{total} of {len(classes)} documents", *offending]

    return _judged("exactly one class for every document", mismatches)


def no_document_is_invalid() -> Judged[IndexSnapshot]:
    def mismatches(snapshot: IndexSnapshot) -> Iterable[str]:
        invalid = [entry for entry in snapshot.recordings if "invalid" in snapshot.classes_of(entry)]
        return [f"{entry} is invalid: {_start_trouble(entry)}" for entry in invalid]

    return _judged("no invalid document", mismatches)


def every_folder_is_described() -> Judged[IndexSnapshot]:
    """Match the schema of unrecognised folders. A site that recognises everything has no such document."""

    def mismatch_of(folder: Unrecognised) -> str | None:
        name, count, moment = (folder.raw.get(field) for field in ("folder_name", "file_count", "update_time"))
        if not isinstance(name, str) or not name:
            return f"{folder} has folder_name {name!r}"
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            return f"{folder} has file_count {count!r}"
        return None if isinstance(moment, datetime) else f"{folder} has update_time {moment!r}"

    return _judged(
        "folder_name, file_count > 0 and update_time of everything that was not recognised",
        lambda snapshot: (said for folder in snapshot.unrecognised if (said := mismatch_of(folder))),
    )


def recognises_at_least(rate: float) -> Judged[IndexSnapshot]:
    def mismatches(snapshot: IndexSnapshot) -> Iterable[str]:
        if snapshot.recognition_rate >= rate:
            return []
        recognised, others = len(snapshot.recordings), len(snapshot.unrecognised)
        return [f"only {snapshot.recognition_rate:.1%} are recognised: {recognised} recordings, {others} folders"]

    return _judged(f"at least {rate:.0%} recognised", mismatches)
