"""The engine without a wire: an index never changes an answer, and the filters agree with a second implementation."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mongomock.filtering import filter_applies

from environments.sandbox.mongodb.query.matching import compile_filter
from environments.sandbox.mongodb.query.planner import Deadline, choose
from environments.sandbox.mongodb.query.sorting import sort_documents
from environments.sandbox.mongodb.query.updates import compile_update
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.wire.errors import MongoError

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 2.0, float("nan"), "a", "b"]),
    st.sampled_from([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.fixed_dictionaries({"c": SCALARS}))
DOCUMENTS = st.lists(st.dictionaries(st.sampled_from(["a", "b"]), VALUES, max_size=2), max_size=8)
COMPARISONS = st.dictionaries(
    st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"]), SCALARS, min_size=1, max_size=2
)
CONDITIONS = st.one_of(
    VALUES.filter(lambda value: not isinstance(value, list)),
    COMPARISONS,
    st.lists(SCALARS, max_size=3).map(lambda items: {"$in": items}),
    st.booleans().map(lambda yes: {"$exists": yes}),
)
QUERIES = st.dictionaries(st.sampled_from(["a", "b", "a.c"]), CONDITIONS, max_size=2)
KEYS = st.sampled_from([{"a": 1}, {"a": -1}, {"b": 1}, {"a": 1, "b": 1}, {"a.c": 1}, {"b": -1, "a": -1}])


def numbers(collection: Collection, query: dict[str, Any], **more: Any) -> list[int]:
    return [document["_id"] for _, document in choose(collection, query, **more).run(collection, Deadline())]


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, QUERIES, KEYS, st.booleans())
def test_an_index_never_changes_an_answer(
    documents: list[dict[str, Any]], query: dict[str, Any], key: dict[str, int], sparse: bool
) -> None:
    collection = Collection("test", "things")
    for number, document in enumerate(documents):
        collection.insert({"_id": number, **document})
    wanted = numbers(collection, query)
    try:
        collection.create_index({"key": key, "sparse": sparse})
    except MongoError as error:
        assert error.code == 171  # two arrays in one compound index
        return
    assert sorted(numbers(collection, query)) == wanted
    assert choose(collection, query).count(collection, Deadline()) == len(wanted)
    plan = choose(collection, query, key)
    found = [document for _, document in plan.run(collection, Deadline())]
    if plan.sorted:
        assert sort_documents(found, key) == found
    for record in list(collection.documents):
        collection.delete(record)
    assert all(len(index.entries) == 0 for index in collection.indexes.values())


FILTERS: list[dict[str, Any]] = [
    {"a": 1},
    {"a": {"$gt": 1}},
    {"a": {"$in": [1, 2]}},
    {"a": {"$nin": [1, 2]}},
    {"a": {"$ne": 1}},
    {"b.c": 2},
    {"b.c": {"$lt": 3}},
    {"l": 2},
    {"r.k": 1},
    {"$or": [{"a": 1}, {"l": 2}]},
    {"$and": [{"a": 1}, {"b.c": 2}]},
    {"a": {"$exists": False}},
    {"a": None},
    {"s": {"$regex": "^h"}},
    {"l.1": 2},
    {"a": {"$type": "int"}},
]
SUBJECTS: list[dict[str, Any]] = [
    {"a": 1},
    {"a": 2, "b": {"c": 2}},
    {"a": 1, "b": {"c": 2}},
    {"l": [1, 2]},
    {"l": []},
    {"r": [{"k": 1}, {"k": 2}]},
    {"r": []},
    {"s": "hello"},
    {"s": "Hello"},
    {"a": None},
    {},
    {"a": 5, "l": [2]},
]


@pytest.mark.parametrize("query", FILTERS, ids=str)
def test_filters_agree_with_mongomock(query: dict[str, Any]) -> None:
    test = compile_filter(query)
    assert [test(subject) for subject in SUBJECTS] == [bool(filter_applies(query, subject)) for subject in SUBJECTS]


def test_an_update_leaves_the_old_document_alone() -> None:
    before = {"_id": 1, "list": [1, 2], "inner": {"a": 1, "b": 2}}
    kept = copy.deepcopy(before)
    change = {"$set": {"list": [5]}, "$inc": {"inner.a": 3}, "$unset": {"inner.b": ""}, "$setOnInsert": {"new": 1}}
    assert compile_update(change)(before, False) == {"_id": 1, "list": [5], "inner": {"a": 4}} and before == kept
    assert compile_update(change)(before, True)["new"] == 1
