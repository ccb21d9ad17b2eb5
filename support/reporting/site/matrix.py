"""Requirement by environment: the last verdict of each, from the history and from the run that the site is about."""

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
    """What a requirement came to when it was run last; `this_run` if that is the run of the site."""

    verdict: DisplayedVerdict
    when: datetime.datetime
    this_run: bool


class RequirementMatrix:
    """`environments` are the columns: that of the run first, then the others, the last one run first."""

    def __init__(self, record: Record, history: History) -> None:
        others = [name for name in history.environments() if name != record.environment]
        self.environments = [record.environment, *others]
        self._last = {name: _last_verdicts(history.of(name)) for name in self.environments}
        own = _by_requirement({scenario.id: scenario.status for scenario in record.scenarios})
        for requirement, verdict in own.items():
            self._last[record.environment][requirement] = LastVerdict(verdict, record.started, True)

    def at(self, requirement: str, environment: str) -> LastVerdict | None:
        """None if it was never run there, as far as the history goes back."""
        return self._last[environment].get(requirement)


def _last_verdicts(entries: Sequence[HistoryEntry]) -> dict[str, LastVerdict]:
    """Later runs go over earlier ones; a run that never began has no verdict over anything."""
    found: dict[str, LastVerdict] = {}
    for entry in entries:
        if entry.ended != "not_started":
            statuses = {name: seen.status for name, seen in entry.scenarios.items()}
            for requirement, verdict in _by_requirement(dict(statuses)).items():
                found[requirement] = LastVerdict(verdict, entry.started, False)
    return found


def _by_requirement(statuses: dict[str, str]) -> dict[str, DisplayedVerdict]:
    """The verdict of each requirement of which anything was run."""
    groups: dict[str, list[str]] = {}
    for name, status in statuses.items():
        groups.setdefault(ROW_OR_LETTER.sub("", name), []).append(status)
    return {
        requirement: summarise(group)
        for requirement, group in groups.items()
        if any(status != "skipped" for status in group)
    }
