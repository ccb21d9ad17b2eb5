"""Chooses the plan of a query and runs it, counting all keys and documents that it really examines.

A plan uses one index with the condition on its first field; all other conditions are left to the filter. An index that
has indexed an array only enforces uniqueness: no plan uses it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.mongodb.query.bounds import Constraints, Range, analyse, may_be_null
from environments.sandbox.mongodb.query.matching import Predicate, compile_filter
from environments.sandbox.mongodb.storage.collection import Collection, Document
from environments.sandbox.mongodb.storage.indexes import TOP, Index
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

_CHECK_EVERY = 64
_EVERYTHING: Range = ((), ((TOP,),))


class Deadline:
    """The ``maxTimeMS`` of one operation; 0 means no limit."""

    def __init__(self, max_time_ms: float = 0) -> None:
        self._ends_s = time.monotonic() + max_time_ms / 1000 if max_time_ms else None

    def check(self) -> None:
        if self._ends_s is not None and time.monotonic() > self._ends_s:
            raise MongoError(Code.MaxTimeMSExpired, "operation exceeded time limit")


@dataclass
class Plan:
    """A plan to find the documents of a filter. ``index`` is ``None`` for a collection scan.

    ``exact`` means that the results of the scan need no filter, ``sorted`` that they are in the requested order.
    """

    predicate: Predicate
    query: Mapping[str, Any]
    index: Index | None = None
    ranges: list[Range] = field(default_factory=list)
    exact: bool = False
    sorted: bool = False
    backward: bool = False
    keys_examined: int = 0
    documents_examined: int = 0

    @property
    def descending(self) -> bool:
        """Whether the index, read forward, starts with its greatest key."""
        return self.index is not None and all(direction < 0 for direction in self.index.key.values())

    def expected(self) -> int:
        """The number of index entries that the scan would visit."""
        assert self.index is not None
        return sum(max(0, last - first) for first, last in (self.index.positions(*limits) for limits in self.ranges))

    def count(self, collection: Collection, deadline: Deadline) -> int:
        """The number of matching documents, from the index alone if it suffices."""
        if self.index is not None and self.exact:
            self.keys_examined = self.expected()
            return self.keys_examined
        if not self.query:
            return len(collection.documents)
        return sum(1 for _ in self.run(collection, deadline))

    def run(self, collection: Collection, deadline: Deadline) -> Iterator[tuple[int, Document]]:
        """Yield (record, document) of each match, in the state at the first step."""
        found = iter(list(collection.documents.items())) if self.index is None else self._fetch(collection, self.index)
        for number, (record, document) in enumerate(found):
            if number % _CHECK_EVERY == 0:
                deadline.check()
            self.documents_examined += 1
            if self.exact or self.predicate(document):
                yield record, document

    def _fetch(self, collection: Collection, index: Index) -> Iterator[tuple[int, Document]]:
        ranges = reversed(self.ranges) if self.backward else self.ranges
        entries = [entry for limits in ranges for entry in index.range(*limits, backward=self.backward)]
        for record, document in [(record, collection.documents[record]) for _, record in entries]:
            self.keys_examined += 1
            yield record, document


def choose(
    collection: Collection, query: Mapping[str, Any], sort: Mapping[str, int] | None = None, hint: Any = None
) -> Plan:
    """The plan that visits the fewest entries; a ``hint`` overrides it, and an unknown hint is error 2."""
    scan = Plan(compile_filter(query), query, exact=not query)
    constraints, wanted = analyse(query), sort or {}
    if hint:
        return _hinted(collection, hint, constraints, scan, wanted)
    usable = [index for index in collection.indexes.values() if not (index.hidden or index.multikey)]
    candidates = [plan for index in usable if (plan := _with_index(index, constraints, scan, wanted)) is not None]
    if candidates:
        return min(candidates, key=lambda plan: (plan.expected(), bool(wanted) and not plan.sorted))
    if wanted:  # without a useful condition an index still helps if it has the requested order
        ordered = (_whole(index, scan, wanted) for index in usable if not index.sparse)
        return next((plan for plan in ordered if plan.sorted), scan)
    return scan


def _hinted(collection: Collection, hint: Any, constraints: Constraints, scan: Plan, sort: Mapping[str, int]) -> Plan:
    index = collection.find_index(hint)
    if index is None or index.hidden:
        text = "error processing query: planner returned error :: caused by :: hint provided does not correspond to " \
               "an existing index"  # fmt: skip
        raise MongoError(Code.BadValue, text)
    if index.multikey:
        raise refused(f"the hint of an index over arrays, {index.name}")
    plan = _with_index(index, constraints, scan, sort)
    return plan if plan is not None else _whole(index, scan, sort)


def _whole(index: Index, scan: Plan, sort: Mapping[str, int]) -> Plan:
    exact = not scan.query and not index.sparse
    return _ordered(Plan(scan.predicate, scan.query, index, [_EVERYTHING], exact=exact), sort)


def _with_index(index: Index, constraints: Constraints, scan: Plan, sort: Mapping[str, int]) -> Plan | None:
    """A plan on the first field of the index, if the filter restricts it."""
    name = next(iter(index.key))
    ranges = constraints.fields.get(name)
    if ranges is None or (index.sparse and may_be_null(ranges)):
        return None
    exact = constraints.complete and set(constraints.fields) == {name}
    return _ordered(Plan(scan.predicate, scan.query, index, ranges, exact), sort)


def _ordered(plan: Plan, sort: Mapping[str, int]) -> Plan:
    """Set whether the plan reads the index backward, and whether that gives the requested order."""
    assert plan.index is not None
    plan.backward = plan.descending
    if not sort or len(plan.ranges) > 1:
        return plan
    directions = set(sort.values())
    if list(plan.index.key)[: len(sort)] == list(sort) and len(directions) == 1:
        plan.sorted = True
        plan.backward = directions.pop() < 0
    return plan
