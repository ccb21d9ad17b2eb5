"""Merges the records of all shards into one. It names the scenarios of lost shards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from support.reporting.record.figures import worst
from support.reporting.record.folder import latest
from support.reporting.record.model import Record, ScenarioResult, Selection, Trouble
from support.reporting.record.places import RECORD
from support.reporting.record.reading import ReadingError, read_record
from support.reporting.record.requests import RequestTimes
from support.sharding.plan import Plan

_SAME = ("git", "git_changes", "sandbox", "focus_server", "kubernetes", "mongodb")
"""Parts of the fingerprint that are the same in all shards of one run."""
_TOLD = 5


class MergeError(Exception):
    """The records are not the shards of one run. The message is one sentence."""


@dataclass(frozen=True)
class ShardRecord:
    """The output of one shard: its record, and the folder with its files."""

    place: Path
    folder: Path
    record: Record
    plan: Plan
    index: int

    @property
    def name(self) -> str:
        return self.plan.name_of(self.index)


def read_shard(place: Path) -> ShardRecord:
    """Read the record of a shard in a folder of reports. Raises MergeError."""
    try:
        record = read_record(place / RECORD)
    except ReadingError as error:
        raise MergeError(f"{place}: {error}") from error
    if record.shard is None:
        raise MergeError(f"{place}: the record of a run that is no shard")
    try:
        plan, index = Plan.model_validate(record.shard["plan"]), int(record.shard["index"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise MergeError(f"{place}: the record of no shard: {error}") from error
    if not 0 <= index < len(plan.every_share):
        raise MergeError(f"{place}: shard {index} of a plan with {len(plan.every_share)}")
    return ShardRecord(place, latest(place), record, plan, index)


def merge(shards: Sequence[ShardRecord], folder: Path) -> Record:
    """Return one record, as if a single run had made it, and copy its evidence to ``folder``. Raises MergeError."""
    _are_of_one_run(shards)
    first = min(shards, key=lambda shard: shard.index)
    shards = sorted(shards, key=lambda shard: shard.index)
    plan, records = first.plan, [shard.record for shard in shards]
    started, finished = min(one.started for one in records), max(one.finished for one in records)
    return Record(
        environment=first.record.environment,
        started=started,
        finished=finished,
        duration_s=(finished - started).total_seconds(),
        scenarios=_in_order(one for shard in shards for one in _taken_over(shard, folder)),
        suite_errors=[*_lost(plan, shards), *_troubles(shards)],
        leftovers=[left for one in records for left in one.leftovers],
        fingerprint={**first.record.fingerprint, "shards": len(plan.every_share)},
        interrupted=next(
            (f"{shard.name}: {shard.record.interrupted}" for shard in shards if shard.record.interrupted), None
        ),
        figures=worst(one.figures for one in records),
        requests=_times(one.requests for one in records),
        selection=Selection(plan.tags, complete=plan.complete),
        looser_limits=list(dict.fromkeys(sentence for one in records for sentence in one.looser_limits)),
        remarks=list(dict.fromkeys(remark for one in records for remark in one.remarks)),
    )


def _are_of_one_run(shards: Sequence[ShardRecord]) -> None:
    by_index: dict[int, ShardRecord] = {}
    for shard in shards:
        if shard.plan.digest != shards[0].plan.digest:
            raise MergeError(f"{shard.place} has another plan than {shards[0].place}: they are no shards of one run")
        if (other := by_index.setdefault(shard.index, shard)) is not shard:
            raise MergeError(f"{shard.place} and {other.place} are both {shard.name}")
        if shard.record.environment != shards[0].record.environment:
            here, there = shard.record.environment, shards[0].record.environment
            raise MergeError(f"{shard.place} ran on {here}, {shards[0].place} on {there}")
        planned = set(shard.plan.every_share[shard.index].scenarios)
        if strange := sorted({one.id for one in shard.record.scenarios} - planned):
            raise MergeError(f"{shard.place}: {strange[0]} ran, and is not in the share of {shard.name}")
    fingerprinted = [shard for shard in shards if shard.record.fingerprint]
    for shard in fingerprinted:
        for key in _SAME:
            one, first = shard.record.fingerprint.get(key), fingerprinted[0].record.fingerprint.get(key)
            if one != first:
                raise MergeError(f"{shard.place} and {fingerprinted[0].place} differ in {key}: {one!r} and {first!r}")


def _lost(plan: Plan, shards: Sequence[ShardRecord]) -> Iterator[Trouble]:
    """Yield an error for each shard with planned scenarios that have no result."""
    by_index = {shard.index: shard for shard in shards}
    for index, share in enumerate(plan.every_share):
        shard = by_index.get(index)
        done = {one.id for one in shard.record.scenarios} if shard else set()
        missing = [one for one in share.scenarios if one not in done]
        if shard is None or missing:
            why = "its record is missing" if shard is None else "it did not end"
            named = ", ".join(missing[:_TOLD]) + (", ..." if len(missing) > _TOLD else "")
            yield Trouble(plan.name_of(index), f"{why}: {len(missing)} scenarios have no result: {named}")


def _troubles(shards: Sequence[ShardRecord]) -> Iterator[Trouble]:
    for shard in shards:
        for error in shard.record.suite_errors:
            yield Trouble(f"{shard.name}, {error.where}", error.message)


def _taken_over(shard: ShardRecord, folder: Path) -> Iterator[ScenarioResult]:
    """Yield the results of a shard and copy their evidence to ``folder``."""
    for one in shard.record.scenarios:
        yield replace(one, evidence=[_copied(Path(path), shard, folder) for path in one.evidence])


def _copied(path: Path, shard: ShardRecord, folder: Path) -> str:
    """Copy an evidence file and return the path of the copy. The path of a missing file is returned unchanged."""
    parts = path.parts
    inner = Path(*parts[parts.index(shard.folder.name) + 1 :]) if shard.folder.name in parts else Path(path.name)
    source, target = shard.folder / inner, folder / inner
    if not source.is_file():
        return str(path)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return str(target)


def _in_order(results: Iterator[ScenarioResult]) -> list[ScenarioResult]:
    return sorted(results, key=lambda one: (one.feature, one.line, one.id))


def _times(all_times: Iterator[Sequence[RequestTimes]]) -> list[RequestTimes]:
    """Combine counts, sums and maxima by request. Quantiles of several shards cannot be combined and are left out."""
    found: dict[str, RequestTimes] = {}
    for one in (one for times in all_times for one in times):
        before = found.get(one.request)
        found[one.request] = one if before is None else _together(before, one)
    return [found[name] for name in sorted(found)]


def _together(one: RequestTimes, other: RequestTimes) -> RequestTimes:
    return RequestTimes(one.request, one.count + other.count, one.sum_s + other.sum_s, max(one.max_s, other.max_s), {})


def read_shards(places: Sequence[Path]) -> list[ShardRecord]:
    """Read the record in each folder. A folder without a record counts as a missing shard. Raises MergeError if all are
    missing."""
    found = [read_shard(place) for place in places if (place / RECORD).is_file()]
    if not found:
        raise MergeError(f"{', '.join(map(str, places))}: no record of a shard in any of them")
    return found
