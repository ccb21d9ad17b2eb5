"""Finds flaky scenarios, which end differently although nothing has changed, and scenarios close to a deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from support.reporting.history.entry import HistoryEntry, PastResult
from support.reporting.history.store import History

CLOSE = 0.5
"""A scenario that uses more than this share of a deadline fails on a machine that is twice as slow."""
_CONFIDENCE = 0.95
_SHORT_REVISION = 10


class TooFewRuns(Exception):
    """The history has too few runs to compare. The message is one sentence."""


@dataclass(frozen=True)
class Mixed:
    """A scenario with more than one verdict. `odd` are the runs whose verdict is not the most frequent one."""

    id: str
    statuses: Counter[str]
    odd: tuple[HistoryEntry, ...]


@dataclass(frozen=True)
class Close:
    """A scenario that passed but used most of a deadline. `share` is the share that it used."""

    id: str
    share: float
    under_load: bool


@dataclass(frozen=True)
class Flakiness:
    """The combined judgement of complete runs of the same suite on the same environment."""

    environment: str
    revision: str | None
    runs: tuple[HistoryEntry, ...]
    scenarios: int
    mixed: tuple[Mixed, ...]
    always_bad: tuple[str, ...]
    close: tuple[Close, ...]

    @property
    def would_be_seen(self) -> float:
        """The lowest failure rate of a scenario that this number of runs reveals with 95 % probability."""
        return float(1 - (1 - _CONFIDENCE) ** (1 / len(self.runs)))


def judge(history: History, environment: str | None = None, series: str | None = None) -> Flakiness:
    """Judge the complete runs that match the latest one of `environment` and `series` (default: of all). They have the
    same revision of the suite, the same uncommitted changes and the same environment. Raises :class:`TooFewRuns` for
    fewer than two."""
    candidates = [
        entry
        for entry in history.entries
        if environment in (None, entry.environment) and series in (None, entry.series)
    ]
    complete = [entry for entry in candidates if entry.ended == "complete" and entry.ran]
    if not complete:
        raise TooFewRuns(f"no complete run{f' of {environment}' if environment else ''} in the history")
    latest = complete[-1]
    runs = tuple(entry for entry in complete if _alike(entry, latest))
    if len(runs) < 2:
        raise TooFewRuns(
            f"only one run of {latest.environment} at {named(latest.revision)}: make repeat makes some more"
        )
    names = dict.fromkeys(name for run in runs for name, seen in run.scenarios.items() if seen.ran)
    mixed = [found for name in names if (found := _mixed(name, runs)) is not None]
    flaky = {one.id for one in mixed}
    return Flakiness(
        environment=latest.environment,
        revision=latest.revision,
        runs=runs,
        scenarios=len(names),
        mixed=tuple(mixed),
        always_bad=tuple(name for name in names if name not in flaky and _seen(name, runs)[0].is_bad),
        close=tuple(sorted(_close(names, runs), key=lambda one: -one.share)),
    )


def flaky_lines(found: Flakiness) -> Iterator[str]:
    """Yield the judgement as text, its summary line first."""
    loaded = sum(run.under_load for run in found.runs)
    runs = f"{len(found.runs)} runs of {found.environment} at {named(found.revision)}"
    runs += f", {loaded} of them on a busy machine" if loaded else ""
    if found.mixed:
        yield f"FLAKY: {len(found.mixed)} of {found.scenarios} scenarios did not always end the same way in {runs}."
    else:
        yield f"No scenario is flaky: {found.scenarios} scenarios in {runs}."
        yield f"One that fails in {found.would_be_seen:.0%} of all runs would have been seen (95 % sure)."
    for one in found.mixed:
        yield f"  {one.id:<8} {', '.join(f'{number} {status}' for status, number in one.statuses.most_common())}"
        yield from (f"           {_told(one.id, run)}" for run in one.odd)
    if found.always_bad:
        yield f"Failing every time: {', '.join(found.always_bad)}"
    if found.close:
        yield f"Used more than {CLOSE:.0%} of a deadline:"
    for near in found.close:
        yield f"  {near.id:<8} {near.share:.0%}{' on a busy machine' if near.under_load else ''}"


def named(revision: str | None) -> str:
    if revision is None:
        return "an unknown revision"
    commit, _, changes = revision.partition("+")
    return commit[:_SHORT_REVISION] + (" with changes" if changes else "")


def _alike(entry: HistoryEntry, other: HistoryEntry) -> bool:
    """Whether nothing is known to have changed between two runs. Without a revision, both must be of one series."""
    return (entry.environment, entry.revision, entry.fingerprint) == (
        other.environment,
        other.revision,
        other.fingerprint,
    ) and (entry.revision is not None or (entry.series is not None and entry.series == other.series))


def _seen(name: str, runs: Sequence[HistoryEntry]) -> list[PastResult]:
    return [run.scenarios[name] for run in runs if name in run.scenarios and run.scenarios[name].ran]


def _mixed(name: str, runs: Sequence[HistoryEntry]) -> Mixed | None:
    statuses: Counter[str] = Counter(seen.status for seen in _seen(name, runs))
    if len(statuses) < 2:
        return None
    usual = statuses.most_common(1)[0][0]
    odd = [run for run in runs if name in run.scenarios and run.scenarios[name].status not in (usual, "skipped")]
    return Mixed(name, statuses, tuple(odd))


def _close(names: Iterable[str], runs: Sequence[HistoryEntry]) -> Iterator[Close]:
    """Yield each scenario that passed close to a deadline with its greatest share. Runs on a quiet machine take
    precedence over runs on a busy one."""
    for name in names:
        shares = [
            (not run.under_load, seen.closest_deadline)
            for run in runs
            if (seen := run.scenarios.get(name)) is not None
            and seen.status == "passed"
            and seen.closest_deadline is not None
            and seen.closest_deadline > CLOSE
        ]
        if shares:
            quiet, share = max(shares)
            yield Close(name, share, not quiet)


def _told(name: str, run: HistoryEntry) -> str:
    parts = [f"{run.scenarios[name].status} on {run.started:%Y-%m-%d at %H:%M:%S} UTC"]
    parts += ["on a busy machine"] if run.under_load else []
    parts += [f"-D shuffle={run.shuffle}"] if run.shuffle is not None else []
    return ", ".join(parts)
