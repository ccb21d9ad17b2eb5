"""Each fault that spoils documents or indexes does so, and leaves no trace after it is switched off."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from environments.sandbox.mongodb.faults import FAULT_IDS
from environments.sandbox.mongodb.faults.mutations import MUTATIONS
from environments.sandbox.supervisor.catalogue import load_catalogue
from tests.sandbox.process_runner import RunningProcess

Data = Database[dict[str, Any]]


def content(database: Data) -> dict[str, Any]:
    """All collections with their documents and indexes."""
    return {
        name: (list(database[name].find().sort("_id")), database[name].index_information())
        for name in sorted(database.list_collection_names())
    }


@pytest.mark.parametrize("fault", sorted(MUTATIONS))
def test_a_mutation_is_made_and_undone(database: Data, mongodb: RunningProcess, fault: str) -> None:
    before = content(database)
    mongodb.set_faults(fault)
    assert content(database) != before
    mongodb.set_faults()
    assert content(database) == before


def test_every_fault_of_the_catalogue_is_implemented() -> None:
    catalogue = {fault.id for fault in load_catalogue().values() if fault.process == "mongodb"}
    assert catalogue == FAULT_IDS


def test_all_mutations_are_undone_together(database: Data, mongodb: RunningProcess) -> None:
    mongodb.request("reset")
    before = content(database)
    mongodb.set_faults("duplicate-uuid", "index-uuid-missing", "range-query-without-index", "dtype-missing")
    mongodb.set_faults()
    assert content(database) == before


def test_a_reset_makes_the_mutation_anew(database: Data, mongodb: RunningProcess) -> None:
    mongodb.set_faults("stale-recording-in-the-index")
    mongodb.request("reset")
    recordings = database[mongodb.request("state")["guid"]]
    assert recordings.count_documents({}) == 127
    mongodb.set_faults()
    assert recordings.count_documents({}) == 126


def test_what_a_client_removed_stays_removed(database: Data, mongodb: RunningProcess) -> None:
    mongodb.request("reset")
    mongodb.set_faults("recordings-overlap", "dtype-missing")
    recordings = database[mongodb.request("state")["guid"]]
    recordings.delete_many({})
    mongodb.set_faults()
    assert recordings.count_documents({}) == 0
    mongodb.request("reset")
