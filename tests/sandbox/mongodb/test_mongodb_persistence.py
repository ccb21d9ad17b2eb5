"""With a data file, acknowledged writes outlive the process, however it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, ServerSelectionTimeoutError

from support.waits import Stopwatch
from tests.sandbox.mongodb.conftest import PASSWORD, mongodb_config
from tests.sandbox.mongodb.estate import Estate
from tests.sandbox.process_runner import RunningProcess, start_process

Data = Database[dict[str, Any]]


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    return mongodb_config(tmp_path, data_file=str(tmp_path / "data.sqlite"), settings={"seed_recordings": 3})


@contextmanager
def database_of(process: RunningProcess) -> Iterator[Data]:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        "127.0.0.1", process.ready["port"], username="prisma", password=PASSWORD, authSource="prisma",
        serverSelectionTimeoutMS=300, retryWrites=False, retryReads=False, tz_aware=True,
    )  # fmt: skip
    with client:
        yield client.prisma


def change_everything(database: Data) -> None:
    """Make one change of each kind."""
    database.notes.insert_many([{"_id": number, "tags": [number], "when": datetime.now(UTC)} for number in range(10)])
    database.notes.create_index("tags", unique=True)
    database.notes.create_index("when")
    database.notes.drop_index("when_1")
    database.notes.update_many({"_id": {"$lt": 5}}, {"$set": {"name": "low"}})
    database.notes.delete_one({"_id": 7})
    database.notes.replace_one({"_id": 99}, {"name": "upserted"}, upsert=True)
    database.create_collection("empty")
    database.gone.insert_one({})
    database.gone.drop()
    database.base_paths.update_one({"is_archive": True}, {"$set": {"note": "changed"}})


def content(database: Data) -> dict[str, Any]:
    return {
        name: (list(database[name].find()), database[name].index_information())
        for name in sorted(database.list_collection_names())
    }


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_every_change_outlives_the_process(config: dict[str, Any], end: str) -> None:
    with start_process("mongodb", config) as first, database_of(first) as database:
        change_everything(database)
        before = content(database)
        getattr(first, end)()
        with pytest.raises((ServerSelectionTimeoutError, ConnectionFailure)):
            database.notes.find_one()
    assert {"empty", "notes"} <= set(before) and "gone" not in before
    with start_process("mongodb", config) as second, database_of(second) as database:
        assert second.ready["guid"] == first.ready["guid"]
        assert content(database) == before
        second.kill()
    with start_process("mongodb", config) as third, database_of(third) as database:
        assert content(database) == before  # also from the file that the previous start wrote


def test_a_kill_in_the_middle_of_writing_loses_nothing_that_was_acknowledged(config: dict[str, Any]) -> None:
    acknowledged: list[int] = []
    many = threading.Event()

    def write(database: Data) -> None:
        for number in range(1_000_000):
            try:
                database.notes.insert_one({"_id": number, "text": "x" * 200})
            except ConnectionFailure:
                return
            acknowledged.append(number)
            if number == 300:
                many.set()

    with start_process("mongodb", config) as first, database_of(first) as database:
        writing = threading.Thread(target=write, args=(database,))
        writing.start()
        assert many.wait(60), "the writer is too slow"
        first.kill()
        writing.join(60)
    with start_process("mongodb", config) as second, database_of(second) as database:
        kept = {document["_id"] for document in database.notes.find({}, {"_id": 1})}
        assert set(acknowledged) <= kept
        assert len(kept) - len(acknowledged) <= 1, "only the one on its way may be there unasked"
        assert database.notes.count_documents({"_id": {"$gte": 0}}, hint="_id_") == len(kept)


def test_a_reset_brings_the_seed_back_and_keeps_it(config: dict[str, Any]) -> None:
    with start_process("mongodb", config) as first, database_of(first) as database:
        database.notes.insert_many([{} for _ in range(1000)])
        watch = Stopwatch()
        first.request("reset")
        assert watch.given_s() < 1.0
        seeded = content(database)
        first.kill()
    with start_process("mongodb", config) as second, database_of(second) as database:
        assert content(database) == seeded and "notes" not in seeded


@pytest.mark.parametrize("fault", ["second-live-entry-for-the-path", "base-paths-missing", "index-uuid-missing"])
def test_what_a_fault_changed_is_not_kept(config: dict[str, Any], fault: str) -> None:
    with start_process("mongodb", config) as first, database_of(first) as database:
        before = content(database)
        first.set_faults(fault)
        assert content(database) != before
        first.kill()
    with start_process("mongodb", config) as second, database_of(second) as database:
        assert content(database) == before
    with start_process("mongodb", {**config, "faults": [fault]}) as third, database_of(third) as database:
        assert content(database) != before
        third.set_faults()
        assert content(database) == before


def test_a_pod_that_is_replaced_keeps_the_data_as_a_volume_would(tmp_path: Path) -> None:
    with Estate(tmp_path / "run.json") as estate:
        estate.database.notes.insert_one({"_id": "kept"})
        before, pid = content(estate.database), estate.pid()
        estate.scale(0)
        estate.wait_until_refused()
        estate.scale(1)
        estate.wait_until_answering()
        assert estate.pid() != pid and content(estate.database) == before
        estate.up.control("POST", "/reset")
        assert "notes" not in estate.database.list_collection_names()
        assert estate.database.base_paths.count_documents({}) == 2


@pytest.mark.parametrize("fault", ["stale-recording-in-the-index", "credentials-in-metadata", "recordings-overlap"])
def test_what_a_fault_put_in_is_the_same_after_an_outage(config: dict[str, Any], fault: str) -> None:
    def recordings(process: RunningProcess) -> list[dict[str, Any]]:
        with database_of(process) as database:
            return list(database[process.ready["guid"]].find({}, {"_id": 0}).sort("uuid"))

    with start_process("mongodb", {**config, "faults": [fault]}) as first:
        before = recordings(first)
        first.kill()
    with start_process("mongodb", {**config, "faults": [fault]}) as second:
        assert recordings(second) == before
