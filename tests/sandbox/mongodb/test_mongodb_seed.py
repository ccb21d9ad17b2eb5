"""The seeded data after the start, a reset and a restart, and under the faults that take data away."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.database import Database

from tests.sandbox.mongodb.conftest import Connect, mongodb_config
from tests.sandbox.process_runner import ProcessFailed, RunningProcess, start_process

Data = Database[dict[str, Any]]


def closed(database: Data, guid: str, since: timedelta = timedelta(hours=6)) -> list[dict[str, Any]]:
    query = {"start_time": {"$gte": datetime.now(UTC) - since}, "end_time": {"$ne": None}}
    return list(database[guid].find(query).sort("start_time"))


def test_the_collections_are_those_of_a_site(database: Data, mongodb: RunningProcess) -> None:
    guid, archive = mongodb.ready["guid"], mongodb.ready["archive_guid"]
    mongodb.request("reset")
    state = mongodb.request("state")
    guid, archive = state["guid"], state["archive_guid"]
    assert set(database.list_collection_names()) == {"base_paths", guid, archive, f"{guid}-unrecognized_recordings"}
    live, archived = database.base_paths.find().sort("_id")
    assert live["guid"] == guid and "is_archive" not in live and live["base_path"] == "/prisma/root/recordings/segy"
    assert archived["guid"] == archive and archived["is_archive"] is True
    assert database[archive].count_documents({}) == 0
    counts = [item["file_count"] for item in database[f"{guid}-unrecognized_recordings"].find()]
    assert len(counts) == 10 and set(counts) == {1, 2, 3, 4}


def test_the_closed_recordings_overlap_but_for_two_gaps(database: Data, mongodb: RunningProcess) -> None:
    mongodb.request("reset")
    now = datetime.now(UTC)
    documents = closed(database, mongodb.request("state")["guid"])
    assert len(documents) == 120
    lengths = [(item["end_time"] - item["start_time"]).total_seconds() for item in documents]
    assert sorted(lengths) == [5.0] * 3 + [40.08] * 117
    assert timedelta(minutes=5) <= now - documents[-1]["end_time"] + timedelta(seconds=5) < timedelta(minutes=6)
    silences = [(later["start_time"] - earlier["end_time"]).total_seconds() for earlier, later in pairwise(documents)]
    assert sorted(round(silence, 2) for silence in silences if silence > 0) == [54.0, 442.0]
    assert {round(silence, 2) for silence in silences if silence < 0} == {-1.08}


def test_open_deleted_and_isolated_recordings(database: Data, mongodb: RunningProcess) -> None:
    mongodb.request("reset")
    state = mongodb.request("state")
    recordings = database[state["guid"]]
    live = list(recordings.find({"end_time": None, "deleted": False}))
    assert [("end_time" in item) for item in live] == [False, True]
    gone = list(recordings.find({"deleted": True}).sort("start_time", -1))
    assert [("end_time" in item) for item in gone] == [True, False, False]
    start = datetime.fromisoformat(state["isolated_recording"]["start_time"])
    assert start.microsecond == 120_000
    around = {"$gt": start - timedelta(hours=5), "$lt": start + timedelta(hours=5)}
    (alone,) = recordings.find({"start_time": around})
    assert alone["end_time"] - alone["start_time"] == timedelta(seconds=40)
    told = [datetime.fromisoformat(window["start_time"]) for window in state["deleted_recordings"]]
    assert told == [item["start_time"] for item in gone]
    for item in gone:
        near = {"$gt": item["start_time"] - timedelta(hours=4), "$lt": item["start_time"] + timedelta(hours=4)}
        assert recordings.count_documents({"start_time": near}) == 1
    assert (
        recordings.count_documents(
            {"start_time": {"$lt": datetime.now(UTC) - timedelta(hours=24)}, "end_time": None, "deleted": False}
        )
        == 0
    )


def test_a_document_is_complete_and_holds_no_credentials(database: Data, mongodb: RunningProcess) -> None:
    document = closed(database, mongodb.request("state")["guid"])[0]
    assert list(document) == ["_id", "uuid", "start_time", "end_time", "deleted", "fiber_metadata"]
    level = document["fiber_metadata"]
    assert level["uuid"] == document["uuid"] and level["layer_type"] == "smart_recorder"
    while level["parent"]:
        assert "://" not in level["cmd"]
        level = level["parent"]
    assert (level["layer_type"], level["prr"], level["dtype"]) == ("prp2_recording", 2000, "float32")


def test_recordings_can_be_added(database: Data, mongodb: RunningProcess) -> None:
    wanted = [
        {"start_time": "2026-01-10T08:00:00Z", "end_time": "2026-01-10T08:00:40Z", "deleted": False, "note": "mine"},
        {"start_time": "2026-01-10T09:00:00Z", "end_time": None, "deleted": True},
        {"start_time": 5, "uuid": "not-a-date"},
    ]
    uuids = mongodb.request("seed", {"recordings": wanted})["uuids"]
    recordings = database[mongodb.request("state")["guid"]]
    first, second, third = (recordings.find_one({"uuid": uuid}) or {} for uuid in uuids)
    assert first["start_time"] == datetime(2026, 1, 10, 8, tzinfo=UTC) and first["note"] == "mine"
    assert second["end_time"] is None and second["deleted"] is True
    assert third["start_time"] == 5 and third["uuid"] == third["fiber_metadata"]["uuid"]
    with pytest.raises(ProcessFailed, match="E11000"):
        mongodb.request("seed", {"recordings": [wanted[2]]})
    with pytest.raises(ProcessFailed, match="start_time"):
        mongodb.request("seed", {"recordings": [{}]})
    with pytest.raises(ProcessFailed, match="knows no command"):
        mongodb.request("brew")


def test_a_reset_restores_the_seed_and_keeps_users_and_connections(database: Data, mongodb: RunningProcess) -> None:
    database.command("ping")
    database.stray.insert_one({})
    database.base_paths.delete_many({})
    mongodb.request("reset")
    assert "stray" not in database.list_collection_names()
    assert database.base_paths.count_documents({}) == 2


def test_the_database_can_be_made_invisible(database: Data, mongodb: RunningProcess) -> None:
    mongodb.set_faults("configured-database-missing")
    assert database.client.list_database_names() == []
    assert database.list_collection_names() == []
    mongodb.set_faults()
    assert database.client.list_database_names() == ["prisma"]


def test_collections_can_be_taken_away_and_come_back(database: Data, mongodb: RunningProcess) -> None:
    guid = mongodb.request("state")["guid"]
    before = database[guid].count_documents({})
    mongodb.set_faults("base-paths-missing", "recordings-collection-missing")
    assert set(database.list_collection_names()) & {"base_paths", guid} == set()
    assert database[guid].find_one() is None
    mongodb.set_faults("recordings-collection-missing")
    assert database.base_paths.count_documents({}) == 2
    mongodb.set_faults()
    assert database[guid].count_documents({}) == before
    assert len(database[guid].index_information()) == 5


def test_queries_can_be_slow(database: Data, mongodb: RunningProcess) -> None:
    mongodb.set_faults("queries-slow")
    with pytest.raises(pymongo.errors.ExecutionTimeout):
        list(database.base_paths.find(max_time_ms=50))
    mongodb.set_faults()
    assert len(list(database.base_paths.find(max_time_ms=5000))) == 2


def test_pings_can_be_slow_among_many_lookups_only(database: Data, mongodb: RunningProcess) -> None:
    def ping_s() -> float:
        began_s = time.monotonic()
        database.command("ping")
        return time.monotonic() - began_s

    mongodb.set_faults("mongodb-slow-under-load")
    assert min(ping_s() for _ in range(3)) < 0.15
    for _ in range(20):
        database.base_paths.find_one()
    assert ping_s() >= 0.15
    mongodb.set_faults()
    assert min(ping_s() for _ in range(3)) < 0.15


def test_it_ends_and_cleans_up_when_the_line_breaks(connect: Connect, tmp_path: Path) -> None:
    process = start_process("mongodb", mongodb_config(tmp_path))
    process.close_line()
    assert process.stop() == 0
    assert not Path(process.config["run_dir"]).exists()
