"""Deals scenarios out to testers in shares of about equal duration, based on earlier durations of the scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from support.gherkin.sharing import FULL_LOAD
from support.selection import EXCLUDES
from support.sharding.plan import MOST_SHARDS, SCHEMA, Plan, PlanError, Share

_FULL_LOAD_S = 35.0
_USUAL_S = {
    frozenset({"slow"}): 30.0,
    frozenset({"CA", "load"}): 3.0,
    frozenset({"CA", "alone"}): 3.0,
    frozenset({"PF", "load"}): 1.5,
    frozenset({"load"}): 2.0,
    frozenset({"RS"}): 1.4,
    frozenset({"disruptive"}): 0.4,
    frozenset({"DQ"}): 0.02,
    frozenset(): 0.2,
}
"""Default seconds of a scenario without an earlier duration, by the first of these tag sets that it contains. Measured
on the sandbox in whole runs of 300 scenarios."""


@dataclass(frozen=True)
class Planned:
    """A scenario, or a row of an outline, with its tags, as input of a plan."""

    id: str
    tags: frozenset[str]
    shared: str | None = None
    """The name of the shared work on which the scenario depends, or None. The run does this work once, so all scenarios
    that share it stay together."""

    @property
    def usual_s(self) -> float:
        """The usual seconds of such a scenario on the sandbox. `make_plan` divides the time of an unmeasured full
        load among the scenarios that share it."""
        return next(seconds for tags, seconds in _USUAL_S.items() if self.tags >= tags)

    @property
    def bundle(self) -> str:
        """The key of its bundle. Scenarios with the same key stay together."""
        return self.shared or self.id


_KINDS = (frozenset({"load"}), EXCLUDES)
"""The tags of each kind of scenario that must not run beside others. The first kind that shares a tag applies. All
other scenarios are of the kind after the last."""


@dataclass(frozen=True)
class Bundle:
    """Ids of scenarios that one tester must run together. ``kind`` is an index of ``_KINDS``, or its length."""

    ids: tuple[str, ...]
    seconds: float
    kind: int

    @classmethod
    def of(cls, together: Sequence[Planned], took_s: Mapping[str, float]) -> Bundle:
        ids = tuple(one.id for one in together)
        tags = frozenset[str]().union(*(one.tags for one in together))
        kind = next((number for number, kinds in enumerate(_KINDS) if tags & kinds), len(_KINDS))
        return cls(ids, _sum(ids, took_s), kind)


def make_plan(
    environment: str,
    tags: str,
    complete: bool,
    scenarios: Sequence[Planned],
    amount: int,
    seconds: Mapping[str, float],
    excluding: frozenset[str] = frozenset(),
) -> Plan:
    """Return a plan for ``amount`` testers.

    Loads are put into one share as far as shares of equal duration permit, then the other scenarios that must not run
    beside others. The rest is dealt out longest first, each bundle to the share with the shortest duration. As a
    result, one tester makes a load while another waits for a server to return, and two testers on one machine do not
    distort each other's measurements.

    ``seconds`` are earlier durations by id; a scenario without one gets its usual duration. Scenarios with a tag in
    ``excluding`` cannot share the site: they run alone, after all others. Raises :class:`PlanError`.
    """
    if not 1 <= amount <= MOST_SHARDS:
        raise PlanError(f"--shards {amount}: allowed are 1 to {MOST_SHARDS}")
    if not scenarios:
        raise PlanError(f"no scenario matches {tags!r}: there is nothing to split")
    took_s = {one.id: seconds.get(one.id, one.usual_s) for one in scenarios}
    sharing = [one.id for one in scenarios if one.shared == FULL_LOAD]
    if not seconds.keys() & set(sharing):
        took_s |= dict.fromkeys(sharing, _FULL_LOAD_S / max(1, len(sharing)))
    alone = [one.id for one in scenarios if one.tags & excluding]
    bundles: dict[str, list[Planned]] = {}
    for one in scenarios:
        if not one.tags & excluding:
            bundles.setdefault(one.bundle, []).append(one)
    if amount > len(bundles):
        raise PlanError(f"--shards {amount}: only {len(bundles)} of what matches {tags!r} can run side by side")
    shares = _dealt([Bundle.of(together, took_s) for together in bundles.values()], amount)
    return Plan(
        schema=SCHEMA,
        environment=environment,
        tags=tags,
        complete=complete,
        shares=tuple(map(_share, shares)),
        alone=Share(seconds=_sum(alone, took_s), scenarios=tuple(alone)) if alone else None,
    )


def _dealt(bundles: Sequence[Bundle], amount: int) -> list[list[Bundle]]:
    """Return the bundles of each share. No share is empty."""
    even_s = _seconds(bundles) / amount
    shares: list[list[Bundle]] = [[] for _ in range(amount)]
    left = len(bundles)
    for bundle in sorted(bundles, key=lambda one: (one.kind, -one.seconds, one.ids)):
        empty = [share for share in shares if not share]
        fitting = [share for share in shares if _seconds(share) + bundle.seconds <= even_s]
        if len(empty) >= left:
            empty[0].append(bundle)
        elif fitting and bundle.kind < len(_KINDS):
            _of_its_kind(bundle, fitting).append(bundle)
        else:
            min(shares, key=lambda share: (_seconds(share), len(share))).append(bundle)
        left -= 1
    return shares


def _of_its_kind(bundle: Bundle, shares: Sequence[list[Bundle]]) -> list[Bundle]:
    """Return the share with the most seconds of this kind, or the least filled share if none has any."""

    def alike_then_empty(share: list[Bundle]) -> tuple[float, float]:
        return _seconds([one for one in share if one.kind == bundle.kind]), -_seconds(share)

    return max(shares, key=alike_then_empty)


def _seconds(bundles: Iterable[Bundle]) -> float:
    return round(sum(one.seconds for one in bundles), 3)


def _share(bundles: Sequence[Bundle]) -> Share:
    return Share(seconds=_seconds(bundles), scenarios=tuple(one for bundle in bundles for one in bundle.ids))


def _sum(ids: Iterable[str], took_s: Mapping[str, float]) -> float:
    return round(sum(took_s[one] for one in ids), 3)
