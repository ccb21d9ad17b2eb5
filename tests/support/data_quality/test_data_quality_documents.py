"""Verdicts on good and bad documents of the recording index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hamcrest.core.string_description import StringDescription

from support.checks import index_documents as checks
from support.checks.matcher import Judged
from support.data_quality.documents import snapshot_of
from support.model.index_documents import IndexSnapshot, RecordingDocument, Unrecognised

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
UUIDS = [f"5a1e0000-0000-4000-8000-{number:012d}" for number in range(10)]
LAST_PART = "a mark whether it is deleted"
END_PART = "an end time, unless it is still open"


def document(number: int = 0, hours_ago: float = 1, length_s: float | None = 40, **changes: Any) -> dict[str, Any]:
    start = NOW - timedelta(hours=hours_ago)
    ends = {} if length_s is None else {"end_time": start + timedelta(seconds=length_s)}
    raw = {"_id": number, "uuid": UUIDS[number], "start_time": start, **ends, "deleted": False, **changes}
    return {name: value for name, value in raw.items() if value is not ...}


def snapshot(*documents: Mapping[str, Any], folders: Sequence[Mapping[str, Any]] = ()) -> IndexSnapshot:
    return IndexSnapshot(
        "recordings", tuple(map(RecordingDocument, documents)), tuple(map(Unrecognised, folders)), NOW, DAY
    )


def folder(**changes: Any) -> dict[str, Any]:
    return {"_id": 7, "folder_name": "9e2b", "file_count": 1, "update_time": NOW, **changes}


def trouble(matcher: Judged[IndexSnapshot], found: IndexSnapshot) -> str | None:
    if matcher.matches(found):
        return None
    description = StringDescription()
    matcher.describe_mismatch(found, description)
    return str(description)


GOOD = snapshot(
    document(0),
    document(1, 2, None),
    document(2, 3, None, end_time=None),
    document(3, 50, deleted=True),
    document(4, 60),
)
EVERY_CHECK = [
    *(checks.every_recording(fact) for fact in checks.RECORDING_FACTS.values()),
    checks.every_uuid_is_its_own(),
    checks.neighbours_overlap_at_most(5),
    checks.no_recording_is_stale(),
    checks.every_document_has_one_class(),
    checks.no_document_is_invalid(),
    checks.recognises_at_least(0.8),
    checks.every_folder_is_described(),
]


@pytest.mark.parametrize("check", EVERY_CHECK)
def test_a_good_index_passes_and_an_empty_one_never_does(check: Judged[IndexSnapshot]) -> None:
    assert trouble(check, GOOD) is None
    assert trouble(check, snapshot(folders=[folder()])) == "collection recordings holds no recording"


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("a uuid", {"uuid": ...}, "the recording with _id 0 has no uuid"),
        ("a uuid", {"uuid": ""}, "the recording with _id 0 has uuid '', which is no uuid"),
        ("a uuid", {"uuid": 17}, "the recording with _id 0 has uuid 17, which is no uuid"),
        ("a uuid", {"uuid": "abc"}, "recording abc has uuid 'abc', which is no uuid"),
        ("a start time", {"start_time": ...}, f"recording {UUIDS[0]} has no start_time"),
        ("a start time", {"start_time": 1.5}, f"recording {UUIDS[0]} has start_time 1.5, which is no date"),
        (END_PART, {"end_time": "x"}, f"recording {UUIDS[0]} has end_time 'x', which is no date"),
        (LAST_PART, {"deleted": ...}, f"recording {UUIDS[0]} has no deleted"),
        (LAST_PART, {"deleted": 0}, f"recording {UUIDS[0]} has deleted 0, which is no boolean"),
    ],
)
def test_a_malformed_recording_is_named(part: str, changes: dict[str, Any], said: str) -> None:
    assert (
        trouble(
            checks.every_recording(checks.RECORDING_FACTS[f"has {part}"]), snapshot(document(**changes), document(1))
        )
        == said
    )


@pytest.mark.parametrize(("length_s", "said"), [(-1, "before"), (0, "when"), (0.001, None), (None, None)])
def test_a_recording_ends_after_it_starts(length_s: float | None, said: str | None) -> None:
    fact = checks.RECORDING_FACTS["ends after it starts, unless it is still open"]
    found = trouble(checks.every_recording(fact), snapshot(document(length_s=length_s)))
    assert found == (said and f"recording {UUIDS[0]} ends {said} it starts")


def test_a_shared_uuid_is_named() -> None:
    found = trouble(checks.every_uuid_is_its_own(), snapshot(document(), document(1, 2, uuid=UUIDS[0])))
    assert found == f"2 recordings have uuid {UUIDS[0]}"
    nameless = snapshot(document(uuid=...), document(1, uuid=...))
    assert trouble(checks.every_uuid_is_its_own(), nameless) is None


@pytest.mark.parametrize(("hours", "said"), [(23, None), (24, None), (24.001, "24.0 h"), (25, "25.0 h")])
def test_open_for_more_than_a_day_is_stale(hours: float, said: str | None) -> None:
    for changes in ({}, {"end_time": None}):
        found = trouble(checks.no_recording_is_stale(), snapshot(document(0, hours, None, **changes)))
        assert found == (said and f"recording {UUIDS[0]} has been open for {said}")


def test_what_is_deleted_or_closed_is_never_stale() -> None:
    old = snapshot(document(0, 100, None, deleted=True), document(1, 100))
    assert trouble(checks.no_recording_is_stale(), old) is None


@pytest.mark.parametrize(("apart_s", "said"), [(35, None), (34.9, "5.1 s"), (0, "40.0 s")])
def test_an_overlap_is_allowed_up_to_its_limit(apart_s: float, said: str | None) -> None:
    later = document(1, 1 - apart_s / 3600)
    found = trouble(checks.neighbours_overlap_at_most(5), snapshot(later, document(0)))
    assert found == (said and f"recording {UUIDS[1]} overlaps recording {UUIDS[0]} by {said}")


def test_an_overlap_is_seen_across_a_short_recording_and_not_with_a_deleted_one() -> None:
    long, short, late = document(0, 3, 3600), document(1, 2.99, 1), document(2, 2.5)
    found = trouble(checks.neighbours_overlap_at_most(5), snapshot(long, short, late))
    assert found == f"recording {UUIDS[2]} overlaps recording {UUIDS[0]} by 40.0 s"
    kept = snapshot(document(0), document(1, deleted=True), document(2, length_s=None), document(3, 50))
    assert trouble(checks.neighbours_overlap_at_most(5), kept) is None


@pytest.mark.parametrize(
    ("changes", "classes"),
    [
        ({}, ["historical"]),
        ({"end_time": None}, ["live"]),
        ({"end_time": ..., "start_time": NOW - timedelta(hours=25)}, ["stale"]),
        ({"deleted": True}, ["deleted"]),
        ({"deleted": True, "end_time": None}, ["deleted"]),
        ({"start_time": ...}, ["invalid"]),
        ({"start_time": ..., "deleted": True}, ["invalid"]),
        ({"deleted": "no"}, []),
        ({"deleted": ...}, []),
        ({"end_time": "x"}, []),
    ],
)
def test_every_document_has_the_class_of_its_definition(changes: dict[str, Any], classes: list[str]) -> None:
    found = snapshot(document(**changes))
    assert found.classes_of(found.recordings[0]) == classes


def test_a_document_without_a_class_is_named_with_the_counts() -> None:
    found = trouble(checks.every_document_has_one_class(), snapshot(document(), document(1, deleted="no")))
    counts = "1 historical + 0 live + 0 stale + 0 deleted + 0 invalid of 2 documents"
    assert found == f"{counts}; recording {UUIDS[1]} belongs to no class"


def test_an_invalid_document_is_named_with_its_reason() -> None:
    found = trouble(checks.no_document_is_invalid(), snapshot(document(start_time=...)))
    assert found == f"recording {UUIDS[0]} is invalid: recording {UUIDS[0]} has no start_time"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"file_count": 0}, "folder 9e2b has file_count 0"),
        ({"file_count": True}, "folder 9e2b has file_count True"),
        ({"folder_name": None}, "the folder with _id 7 has folder_name None"),
        ({"update_time": "x"}, "folder 9e2b has update_time 'x'"),
    ],
)
def test_an_unrecognised_folder_has_its_own_schema(changes: dict[str, Any], said: str | None) -> None:
    found = snapshot(document(), folders=[folder(**changes)])
    assert trouble(checks.every_folder_is_described(), found) == said
    assert trouble(checks.every_recording(checks.RECORDING_FACTS["has a start time"]), found) is None


def test_the_recognition_rate_has_its_limit() -> None:
    four = [document(number, number + 1) for number in range(4)]
    assert trouble(checks.recognises_at_least(0.8), snapshot(*four, folders=[folder()])) is None
    found = trouble(checks.recognises_at_least(0.8), snapshot(*four, folders=[folder()] * 2))
    assert found == "only 66.7% are recognised: 4 recordings, 2 folders"


def test_only_the_first_offenders_are_listed() -> None:
    wrong = [document(number, deleted=...) for number in range(7)]
    found = trouble(checks.every_recording(checks.RECORDING_FACTS[f"has {LAST_PART}"]), snapshot(*wrong))
    assert found is not None and found.count("has no deleted") == 5 and found.endswith("; and 2 more")


def test_the_snapshot_is_one_aggregation_with_one_clock() -> None:
    asked: list[tuple[str, Any]] = []

    class Index:
        def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
            asked.append((collection, pipeline))
            clock = {"now": NOW}
            return [{"kind": "recording", **document(), **clock}, {"kind": "unrecognised", **folder(), **clock}]

    found = snapshot_of(Index(), "guid", DAY)
    assert len(asked) == 1 and asked[0][0] == "guid"
    assert asked[0][1][1]["$unionWith"]["coll"] == "guid-unrecognized_recordings"
    assert found.taken_at == NOW and str(found.recordings[0]) == f"recording {UUIDS[0]}"
    assert [str(one) for one in found.unrecognised] == ["folder 9e2b"]
