"""The search for suitable recordings in the index, and the windows named in the features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS

from support.clients.change_journal import ChangeJournal, Changes
from support.model.recordings import RECORDING, Recordings
from support.model.windows import Source, times_of

NOW = datetime.now(UTC).replace(microsecond=0)


class Index:
    """A recording index in memory."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.documents = list(documents)

    def recordings_collection(self, base_path: str) -> str:
        return f"collection of {base_path}"

    def find(
        self, collection: str, query: Mapping[str, Any] | None = None, *, sort: Sequence[tuple[str, int]] | None = None
    ) -> list[dict[str, Any]]:
        def key(document: Mapping[str, Any]) -> DatetimeMS:
            start = document["start_time"]
            return start if isinstance(start, DatetimeMS) else DatetimeMS(start)

        wanted = (query or {}).get("uuid")
        return sorted((one for one in self.documents if wanted in (None, one["uuid"])), key=key)

    def insert_recording(self, collection: str, document: Mapping[str, Any]) -> Any:
        self.documents.append(dict(document))

    def delete_recordings(self, collection: str, uuids: Iterable[str]) -> int:
        self.documents = [document for document in self.documents if document["uuid"] not in uuids]
        return 1


def document(name: str, hours_ago: float, seconds: float | None = 40, deleted: bool = False) -> dict[str, Any]:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours_ago)
    end = start + timedelta(seconds=seconds) if seconds is not None else None
    return {"uuid": name, "start_time": start, "end_time": end, "deleted": deleted}


def series(count: int) -> list[dict[str, Any]]:
    """Recordings of 40 s that start every 39 s, as real ones do."""
    first = NOW - timedelta(minutes=60)
    found = []
    for number in range(count):
        start = first + timedelta(seconds=39 * number)
        found.append(
            {"uuid": f"s{number}", "start_time": start, "end_time": start + timedelta(seconds=40), "deleted": False}
        )
    return found


def recordings(*documents: dict[str, Any], changes: Any = None) -> Recordings:
    return Recordings(Index(*documents), "/prisma/root/recordings", changes)


def test_isolated_recording_has_nothing_within_hours() -> None:
    found = recordings(document("near", 30), document("beside", 31), document("alone", 50), document("open", 60, None))
    assert found.isolated().uuid == "alone"


def test_specimens_are_sound() -> None:
    backwards, odd = document("backwards", 60, -5), {**document("odd", 50), "deleted": "yes"}
    found = recordings(backwards, odd, document("good", 40), {**document("gone", 30, -5), "deleted": True})
    assert found.isolated().uuid == "good"
    with pytest.raises(AssertionError, match="no isolated deleted recording"):
        found.deleted_alone()


def test_deleted_recording_must_have_both_times() -> None:
    found = recordings(document("open", 60, None, deleted=True), document("closed", 50, 40, deleted=True))
    assert found.deleted_alone().uuid == "closed"


def test_recording_that_has_just_ended_is_not_used() -> None:
    fresh = document("fresh", 0.01, 35)
    assert [one.uuid for one in recordings(fresh, document("old", 30)).finished()] == ["old"]


def test_missing_specimen_is_a_failure_not_a_skip() -> None:
    with pytest.raises(AssertionError, match="no isolated finished recording in collection"):
        recordings().isolated()


def test_series_has_no_gap() -> None:
    documents = series(12)
    del documents[7]
    found = recordings(*documents).series(5)
    assert [one.uuid for one in found] == ["s2", "s3", "s4", "s5", "s6"]


def test_expected_list_leaves_out_deleted_and_stale_ones() -> None:
    found = recordings(
        document("in", 30), document("deleted", 30, 40, deleted=True), document("stale", 30, None), document("far", 60)
    )
    start_s = int(found.all()[1].start.timestamp())
    assert [one.uuid for one in found.touching({"start_time": start_s, "end_time": start_s + 10})] == ["in"]


def test_touching_ends_are_not_an_overlap() -> None:
    found = recordings(document("in", 30))
    start_s = int(found.all()[0].start.timestamp())
    assert found.touching({"start_time": start_s - 10, "end_time": start_s}) == []
    assert found.touching({"start_time": start_s + 40, "end_time": start_s + 50}) == []


def test_stale_recording_is_alone_and_older_than_a_day_and_can_be_removed(tmp_path: Path) -> None:
    journal = ChangeJournal(tmp_path / "changes.jsonl")
    changes = Changes(journal)
    found = recordings(*series(3), document("old", 70), changes=changes)
    changes.undone_by({RECORDING: found.remove})
    stale = found.add_stale()
    assert stale.end is None and NOW - stale.start > timedelta(hours=24)
    assert all(abs(one.start - stale.start) > timedelta(hours=4) for one in found.all() if one.uuid != stale.uuid)
    (noted,) = journal.pending()
    assert noted.undo["uuid"] == stale.uuid
    changes.undo_all()
    assert journal.pending() == []
    assert stale.uuid not in [one.uuid for one in found.all()]


def test_a_recording_that_goes_on_is_added_among_others_and_can_be_removed(tmp_path: Path) -> None:
    changes = Changes(ChangeJournal(tmp_path / "changes.jsonl"))
    found = recordings(*series(3), changes=changes)
    changes.undone_by({RECORDING: found.remove})
    added = found.add_open_for(timedelta(hours=23))
    assert added.end is None and abs(datetime.now(UTC) - timedelta(hours=23) - added.start) < timedelta(seconds=60)
    source = Source(found, added)
    assert [one.uuid for one in found.touching(times_of("inside this recording", source))] == [added.uuid]
    changes.undo_all()
    assert added.uuid not in [one.uuid for one in found.all()]


def test_windows_beside_the_isolated_recording_do_not_touch_it() -> None:
    found = recordings(document("alone", 30))
    source = Source(found, found.isolated())
    beside = [
        "that ends before this recording",
        "that begins after this recording",
        *(f"{hours} hours {side} this recording" for hours in ("two", "three") for side in ("before", "after")),
    ]
    for words in beside:
        assert found.touching(times_of(words, source)) == [], words
    for words in ("inside this recording", "that begins with this recording"):
        assert len(found.touching(times_of(words, source))) == 1, words


def test_shift_of_two_hours_turns_the_window_after_into_a_hit() -> None:
    found = recordings(document("alone", 30))
    times = times_of("two hours after this recording", Source(found, found.isolated()))
    shifted = {key: value - 7200 for key, value in times.items() if value is not None}
    assert len(found.touching(shifted)) == 1


def test_window_that_cuts_through_several_touches_them_all() -> None:
    found = recordings(*series(30))
    times = times_of("that cuts through several of them", Source(found, None))
    assert len(found.touching(times)) >= 4


def test_wrong_windows_are_really_wrong() -> None:
    source = Source(recordings(*series(30)), None)
    reversed_window = times_of("that ends before it starts", source)
    assert (reversed_window["start_time"] or 0) > (reversed_window["end_time"] or 0)
    assert (times_of("that starts before time began", source)["start_time"] or 0) < 0
    assert times_of("with only a start", source)["end_time"] is None


def test_unknown_words_list_the_known_ones() -> None:
    with pytest.raises(LookupError, match="no window is known as 'tomorrow'; known are: "):
        times_of("tomorrow", Source(recordings(), None))


def test_window_of_this_recording_needs_one() -> None:
    with pytest.raises(AssertionError, match="no step has named one"):
        times_of("inside this recording", Source(recordings(), None))


@pytest.mark.parametrize("far", [253402300800000, 2**63 - 1])
def test_an_end_beyond_the_years_of_python_leaves_room_for_nobody_and_cannot_be_listed(far: int) -> None:
    lasting = document("far", 5) | {"end_time": DatetimeMS(far)}
    index = recordings(lasting, document("good", 1))
    hour = {"start_time": int((NOW - timedelta(hours=1)).timestamp()), "end_time": int(NOW.timestamp())}
    assert [found.uuid for found in index.touching(hour)] == ["good"]
    assert index.long_one().uuid == "good"
    with pytest.raises(AssertionError, match="no isolated finished recording"):
        index.isolated()


def test_a_start_beyond_the_years_of_python_is_no_specimen() -> None:
    index = recordings(document("good", 1))
    index._index.documents.append(document("far", 5) | {"start_time": DatetimeMS(-(2**62))})  # type: ignore[attr-defined]
    assert [found.uuid for found in index.all()] == ["good"]
    assert index.quiet_moment() < NOW


def test_an_end_before_the_years_of_python_is_before_everything() -> None:
    index = recordings(document("far", 5) | {"end_time": DatetimeMS(-(2**62))}, document("good", 1))
    assert [found.uuid for found in index.finished()] == ["good"]
