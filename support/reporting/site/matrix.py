"""The last verdict of each requirement on each environment, from the history and from the run of the site."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from support.reporting.history import History, HistoryEntry
from support.reporting.record.model import Record
from support.reporting.site.verdicts import DisplayedVerdict, summarise
from support.reporting.site.views import ROW_OR_LETTER


@dataclass(frozen=True)
class LastVerdict:
    """The verdict of a requirement in the last run that covered it; `this_run` if that is the run of the site."""

    verdict: DisplayedVerdict
    when: datetime.datetime
    this_run: bool


class RequirementMatrix:
    """The matrix. Its columns are `environments`: that of the run first, then the others, the latest run first."""

    def __init__(self, record: Record, history: History) -> None:
        others = [name for name in history.environments() if name != record.environment]
        self.environments = [record.environment, *others]
        self._last = {name: _last_verdicts(history.of(name)) for name in self.environments}
        own = _by_requirement({scenario.id: scenario.status for scenario in record.scenarios})
        for requirement, verdict in own.items():
            self._last[record.environment][requirement] = LastVerdict(verdict, record.started, True)

    def at(self, requirement: str, environment: str) -> LastVerdict | None:
        """Return the last verdict of a requirement on an environment, or None if the history has no run of it there."""
        return self._last[environment].get(requirement)


def _last_verdicts(entries: Sequence[HistoryEntry]) -> dict[str, LastVerdict]:
    """Return the last verdict by requirement. Later runs replace earlier ones; runs that never started are skipped."""
    found: dict[str, LastVerdict] = {}
    for entry in entries:
        if entry.ended != "not_started":
            statuses = {name: seen.status for name, seen in entry.scenarios.items()}
            for requirement, verdict in _by_requirement(dict(statuses)).items():
                found[requirement] = LastVerdict(verdict, entry.started, False)
    return found


def _by_requirement(statuses: dict[str, str]) -> dict[str, DisplayedVerdict]:
    """Return the verdict of each requirement with at least one scenario that ran."""
    groups: dict[str, list[str]] = {}
    for name, status in statuses.items():
        groups.setdefault(ROW_OR_LETTER.sub("", name), []).append(status)
    return {
        requirement: summarise(group)
        for requirement, group in groups.items()
        if any(status != "skipped" for status in group)
    }
