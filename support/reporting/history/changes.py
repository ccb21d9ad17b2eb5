"""What is different between a run and an earlier one that the history knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from support.gherkin.requirements import place_of
from support.reporting.history.entry import HistoryEntry
from support.reporting.history.store import History
from support.reporting.record.model import Record


@dataclass(frozen=True)
class ChangesSince:
    """Ids of scenarios against those of ``since``. What was not run is neither good nor bad, and is in no list."""

    since: HistoryEntry
    newly_failing: tuple[str, ...]
    fixed: tuple[str, ...]
    added: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def any(self) -> bool:
        return bool(self.newly_failing or self.fixed or self.added or self.gone)

    def listed(self) -> list[tuple[str, tuple[str, ...]]]:
        """Each list with its name, what needs somebody to act first; empty ones too."""
        return [
            ("newly failing", self.newly_failing),
            ("fixed", self.fixed),
            ("new", self.added),
            ("gone", self.gone),
        ]


def since_the_last_run(record: Record, history: History) -> ChangesSince | None:
    """Against the last run of the whole suite on this environment; None for a part of the suite, or a first run."""
    return _against(record, next(_earlier(record, history), None))


def since_the_last_green_run(record: Record, history: History) -> ChangesSince | None:
    """Against the last run of the whole suite on this environment that passed."""
    return _against(record, next((entry for entry in _earlier(record, history) if entry.verdict == "passed"), None))


def _earlier(record: Record, history: History) -> Iterator[HistoryEntry]:
    """The latest first. Runs of a series are of a part of the suite, or on a machine kept busy."""
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
