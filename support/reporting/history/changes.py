"""Differences between a run and an earlier run in the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from support.gherkin.requirements import place_of
from support.reporting.history.entry import HistoryEntry
from support.reporting.history.store import History
from support.reporting.record.model import Record


@dataclass(frozen=True)
class ChangesSince:
    """Ids of scenarios that changed since the run ``since``. A scenario that was not run is neither failing nor
    fixed."""

    since: HistoryEntry
    newly_failing: tuple[str, ...]
    fixed: tuple[str, ...]
    added: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def any(self) -> bool:
        return bool(self.newly_failing or self.fixed or self.added or self.gone)

    def listed(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return each list with its name, including empty ones. The list that requires action comes first."""
        return [
            ("newly failing", self.newly_failing),
            ("fixed", self.fixed),
            ("new", self.added),
            ("gone", self.gone),
        ]


def since_the_last_run(record: Record, history: History) -> ChangesSince | None:
    """Compare with the last run of the whole suite on this environment. None for a part of the suite or a first run."""
    return _against(record, next(_earlier(record, history), None))


def since_the_last_green_run(record: Record, history: History) -> ChangesSince | None:
    """Compare with the last passed run of the whole suite on this environment. None as in `since_the_last_run`."""
    return _against(record, next((entry for entry in _earlier(record, history) if entry.verdict == "passed"), None))


def _earlier(record: Record, history: History) -> Iterator[HistoryEntry]:
    """Yield earlier complete runs, the latest first. Runs of a series are left out: they may cover a part of the suite,
    or run on a machine that was kept busy."""
    for entry in reversed(history.of(record.environment)):
        if entry.started < record.started and entry.ended == "complete" and entry.series is None:
            yield entry


def _against(record: Record, entry: HistoryEntry | None) -> ChangesSince | None:
    if entry is None or not record.selection.complete:
        return None
    new = {scenario.id: scenario for scenario in record.scenarios}
    old = entry.scenarios
    return ChangesSince(
        since=entry,
        newly_failing=_sorted(
            name for name, one in new.items() if one.is_bad and not (name in old and old[name].is_bad)
        ),
        fixed=_sorted(
            name for name, one in new.items() if name in old and old[name].is_bad and one.ran and not one.is_bad
        ),
        added=_sorted(name for name in new if name not in old),
        gone=_sorted(name for name in old if name not in new),
    )


def _sorted(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=place_of))
