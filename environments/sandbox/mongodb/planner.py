"""Chooses how a query is answered and answers it, counting every key and document it really looks at."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.mongodb.bounds import Bounds, analyse, everything
from environments.sandbox.mongodb.errors import BAD_VALUE, MAX_TIME_EXPIRED, MongoError
from environments.sandbox.mongodb.indexes import TOP, Index
from environments.sandbox.mongodb.matching import Predicate, compile_filter
from environments.sandbox.mongodb.ordering import Key
from environments.sandbox.mongodb.storage import Collection, Document

SearchRange = tuple[tuple[Any, ...], tuple[Any, ...]]
_CHECK_EVERY = 64
_MOST_RANGES = 1000


class Deadline:
    """``maxTimeMS`` of one operation; 0 means without limit."""

    def __init__(self, max_time_ms: float = 0) -> None:
        self.max_time_ms = max_time_ms
        self._ends_s = time.monotonic() + max_time_ms / 1000 if max_time_ms else None

    def check(self) -> None:
        if self._ends_s is not None and time.monotonic() > self._ends_s:
            raise MongoError(MAX_TIME_EXPIRED, "operation exceeded time limit")


@dataclass
class Plan:
    """One way to find the documents of a filter. ``index`` is ``None`` for a collection scan."""

    predicate: Predicate
    query: Mapping[str, Any]
    index: Index | None = None
    ranges: list[SearchRange] = field(default_factory=list)
    bounds: dict[str, Bounds] = field(default_factory=dict)
    exact: bool = False
    sorted: bool = False
    backward: bool = False
    keys_examined: int = 0
    documents_examined: int = 0

    @property
    def descending(self) -> bool:
        """Whether the index, read forward, begins with its greatest key."""
        return self.index is not None and all(direction < 0 for direction in self.index.key.values())

    def expected(self) -> int:
        """How many index entries the scan would visit."""
        assert self.index is not None
        return sum(max(0, last - first) for first, last in (self.index.positions(*limits) for limits in self.ranges))

    def count(self, collection: Collection, deadline: Deadline) -> int:
        """The number of matching documents; from the index alone when it says everything."""
        if self.index is not None and self.exact:
            self.index.accesses += 1
            self.keys_examined = self.expected()
            return self.keys_examined
        if not self.query:
            return len(collection.documents)
        return sum(1 for _ in self.run(collection, deadline))

    def run(self, collection: Collection, deadline: Deadline) -> Iterator[tuple[int, Document]]:
        """(record, document) of every match, of the state at the moment of the first step."""
        found = self._scan(collection) if self.index is None else self._fetch(collection)
        for number, (record, document) in enumerate(found):
            if number % _CHECK_EVERY == 0:
                deadline.check()
            self.documents_examined += 1
            if self.exact or self.predicate(document):
                yield record, document

    def _scan(self, collection: Collection) -> Iterator[tuple[int, Document]]:
        documents = list(collection.documents.items())
        return iter(reversed(documents) if self.backward else documents)

    def _fetch(self, collection: Collection) -> Iterator[tuple[int, Document]]:
        assert self.index is not None
        self.index.accesses += 1
        ranges = reversed(self.ranges) if self.backward else self.ranges
        entries = [entry for limits in ranges for entry in self.index.range(*limits, backward=self.backward)]
        documents = collection.documents
        records = [(record, documents[record]) for _, record in entries]
        seen: set[int] = set()
        for record, document in records:
            self.keys_examined += 1
            if self.index.multikey:
                if record in seen:
                    continue
                seen.add(record)
            yield record, document


def choose(
    collection: Collection, query: Mapping[str, Any], sort: Mapping[str, Any] | None = None, hint: Any = None,
    variables: Mapping[str, Any] | None = None, limited: bool = False,
) -> Plan:  # fmt: skip
    """The plan that visits the fewest entries; a ``hint`` decides instead, and an unknown one is error 2."""
    predicate = compile_filter(query, variables)
    scan = Plan(predicate, query, exact=not query)
    sort = sort or {}
    if hint is not None and hint != "":
        return _hinted(collection, scan, hint, sort)
    if "$natural" in sort:
        return _natural(scan, sort)
    constraints = analyse(query)
    candidates = [
        plan for index in collection.indexes.values()
        if index.partial is None and not index.options.get("hidden")
        and (plan := _with_index(index, constraints, scan, sort)) is not None
    ]  # fmt: skip
    best = min(candidates, key=lambda plan: _cost(plan, bool(sort), limited), default=None)
    if best is None:
        return _sorted_by_index(collection, scan, sort, limited) or scan
    return best


def _cost(plan: Plan, sorting: bool, limited: bool) -> tuple[int, int, int]:
    assert plan.index is not None
    visited = plan.expected()
    in_order = int(sorting and not plan.sorted)
    return visited, in_order, len(plan.index.key)


def _hinted(collection: Collection, scan: Plan, hint: Any, sort: Mapping[str, Any]) -> Plan:
    if isinstance(hint, dict) and "$natural" in hint:
        return _natural(scan, hint)
    index = collection.find_index(hint)
    if index is None or index.partial is not None or index.options.get("hidden"):
        text = (
            "error processing query: planner returned error :: caused by :: "
            "hint provided does not correspond to an existing index"
        )
        raise MongoError(BAD_VALUE, text)
    constraints = analyse(scan.query)
    plan = _with_index(index, constraints, scan, sort)
    return plan if plan is not None else _whole(index, scan, sort)


def _natural(scan: Plan, order: Mapping[str, Any]) -> Plan:
    scan.backward = order["$natural"] < 0
    scan.sorted = True
    return scan


def _whole(index: Index, scan: Plan, sort: Mapping[str, Any]) -> Plan:
    plan = Plan(scan.predicate, scan.query, index, [((), ((TOP,),))], {name: everything() for name in index.key})
    plan.exact = not scan.query and not index.sparse
    return _order(plan, sort, 0)


def _sorted_by_index(collection: Collection, scan: Plan, sort: Mapping[str, Any], limited: bool) -> Plan | None:
    """Without a useful condition an index still helps when it is the wanted order."""
    if not sort:
        return None
    for index in collection.indexes.values():
        if index.partial is None and not index.sparse and not index.options.get("hidden"):
            plan = _whole(index, scan, sort)
            if plan.sorted:
                return plan
    return None


def _with_index(index: Index, constraints: Any, scan: Plan, sort: Mapping[str, Any]) -> Plan | None:
    """A plan on the leading fields that the filter restricts: points first, then at most one range."""
    names = list(index.key)
    if names[0] not in constraints.fields:
        return None
    prefixes: list[tuple[Key, ...]] = [()]
    used: dict[str, Bounds] = {}
    single_points = 0
    last: Bounds | None = None
    for name in names:
        bounds = constraints.fields.get(name)
        if bounds is None or (index.sparse and bounds.may_be_null):
            break
        if index.multikey:
            bounds = bounds.for_multikey()
        used[name] = bounds
        if bounds.points is None:
            last = bounds
            break
        prefixes = [(*prefix, point) for prefix, point in itertools.product(prefixes, bounds.points)]
        single_points += int(len(bounds.points) == 1 and single_points == len(used) - 1)
        if len(prefixes) > _MOST_RANGES:
            return None
    if not used:
        return None
    plan = Plan(scan.predicate, scan.query, index, [_limits(prefix, last) for prefix in prefixes], used)
    plan.exact = constraints.complete and set(used) == set(constraints.fields) and not index.multikey
    return _order(plan, sort, single_points)


def _limits(prefix: tuple[Key, ...], bounds: Bounds | None) -> SearchRange:
    if bounds is None:
        return (prefix,), ((*prefix, TOP),)
    low = (*prefix, bounds.low) if bounds.low_included else (*prefix, bounds.low, TOP)
    high = (*prefix, bounds.high, TOP) if bounds.high_included else (*prefix, bounds.high)
    return (low,), (high,)


def _order(plan: Plan, sort: Mapping[str, Any], fixed_fields: int) -> Plan:
    """Note whether reading the index forward or backward gives the wanted order."""
    assert plan.index is not None
    plan.backward = plan.descending
    if not sort or plan.index.multikey or len(plan.ranges) > 1:
        return plan
    names = list(plan.index.key)
    wanted = list(sort)
    directions = set(sort.values())
    for start in range(fixed_fields + 1):
        if names[start : start + len(wanted)] == wanted and len(directions) == 1:
            plan.sorted = True
            plan.backward = directions.pop() < 0
            return plan
    return plan
