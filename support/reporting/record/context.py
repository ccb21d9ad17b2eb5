"""The facts of the current run for its reports: written by support/hooks, read by the runner and the formatters.

The runner calls `begin()` once; all other code calls `current()`. The context is a module variable because behave
creates hooks and formatters itself and passes them no common object.
"""

from __future__ import annotations

import datetime
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.redaction import PROCESS
from support.reporting.record.known import KnownIssue
from support.reporting.record.model import Record, Repeat, ScenarioResult, Selection, Trouble, now
from support.reporting.record.requests import RequestTimes

FIGURE_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass
class RunContext:
    """The facts of one run. Paths in `evidence` are relative to the working directory, keyed by scenario id with row.

    `leftovers` are things that the run could not remove; `suite_errors` are errors that belong to no scenario. Either
    makes the run fail. `redact` is applied to every text that comes from an exception.
    """

    environment: str = "unknown"
    fingerprint: dict[str, Any] = field(default_factory=dict)
    known_issues: list[KnownIssue] = field(default_factory=list)
    looser_limits: list[str] = field(default_factory=list)
    """Limits of the environment that are looser than the requirements, one sentence each."""
    leftovers: list[Any] = field(default_factory=list)
    evidence: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[Trouble] = field(default_factory=list)
    conclusions: dict[str, str] = field(default_factory=dict)
    """The conclusion drawn from the evidence of a failure, by scenario id."""
    broken_layers: dict[int, str] = field(default_factory=dict)
    """The scenario that found a layer of the infrastructure broken, by the number of the layer."""
    suite_errors: list[Trouble] = field(default_factory=list)
    closest_deadlines: dict[str, float | None] = field(default_factory=dict)
    """The greatest share of a deadline that a wait used, by scenario id with row; None if nothing was waited for."""
    requests: list[RequestTimes] = field(default_factory=list)
    """Response times of the Focus Server over the whole run, by type of request."""
    redact: Callable[[str], str] = field(default=PROCESS.redact)

    figures: dict[str, float] = field(default_factory=dict)
    """Measurements of the scenarios; see `figure`."""
    asides: dict[str, bool] = field(default_factory=dict)
    """Text of each aside -> whether it was reported already; see `aside`."""
    repeat: Repeat | None = None
    """Set by the runner for a run that is one of several, or whose order is shuffled."""
    selection: Selection = field(default_factory=Selection)
    shard: dict[str, Any] | None = None
    """The index of this run's share and the plan of all shares, if the run is split; set by the runner."""
    folder: Path | None = None
    """The folder that only this run writes to; set by the runner once it is certain that the run takes place."""
    started: datetime.datetime = field(default_factory=now)
    started_s: float = field(default_factory=time.monotonic)
    selected: list[Any] = field(default_factory=list)
    """The behave scenarios selected by tags, paths and names, in order; set by the runner before any hook."""
    scenario_starts: dict[int, datetime.datetime] = field(default_factory=dict)
    """The start time of each behave scenario, by its `id()`; set by the formatter `record`."""
    elsewhere: dict[int, ScenarioResult] = field(default_factory=dict)
    """The results of scenarios that ran side by side, in any process, by `id()` of the behave scenario."""
    side_by_side: bool = False
    """Whether scenarios run side by side at the moment."""
    shared_troubles: dict[str, list[str]] = field(default_factory=dict)
    """Server failures seen while a scenario ran side by side with others, by scenario id."""
    scenario_troubles: dict[int, list[Trouble]] = field(default_factory=dict)
    """Hook and clean-up failures by `id()` of the behave scenario; set by the runner."""
    refusal: str | None = None
    """Why nothing can be judged: wrong use, or no writable folder. The run prints only this and exits with code 2."""
    interrupted: str | None = None
    """Why the run ended early, or None; set by the runner."""
    record: Record | None = None
    """The finished record; set by the runner after the last clean-up and before the formatters close."""

    def aside(self, text: str) -> None:
        """Note a fact about a passing scenario that a reader should know, such as that it found nothing to check."""
        self.asides.setdefault(text, False)

    def new_asides(self) -> list[str]:
        """Return the asides that were not returned before, so that a run reports each one once."""
        new = [text for text, reported in self.asides.items() if not reported]
        self.asides |= dict.fromkeys(new, True)
        return new

    def suite_error(self, where: str, message: str) -> None:
        """Note an error that belongs to no scenario, such as a failed sweep at the end of the run."""
        self.suite_errors.append(Trouble(where, self.redact(message)))

    def remark(self, where: str, message: str) -> None:
        """Note a finding about the site that does not make the run fail; `where` is its name in `first_steps.toml`."""
        self.remarks.append(Trouble(where, self.redact(message)))

    def figure(self, name: str, value: float) -> None:
        """Note a measurement for the record, the metrics, the history and the trends. The name ends in the unit:
        `configure_p95_ms`. Raises ValueError for a bad name or a value that is not finite."""
        if not FIGURE_NAME.fullmatch(name) or not math.isfinite(value):
            raise ValueError(f"figure {name}={value}: a name such as configure_p95_ms and a finite number")
        self.figures[name] = float(value)

    def add_evidence(self, scenario_id: str, path: str) -> None:
        """Note an evidence file of a scenario; `scenario_id` is an id as returned by `identify`."""
        self.evidence.setdefault(scenario_id, []).append(path)

    def known_issues_of(self, scenario_id: str) -> list[KnownIssue]:
        """Return the known issues of a scenario. Entries for one row precede entries for the whole outline."""
        matching = [issue for issue in self.known_issues if issue.covers(scenario_id)]
        return sorted(matching, key=lambda issue: -len(issue.scenario))


_current = RunContext()
_has_begun = False


def begin(environment: str = "unknown") -> RunContext:
    """Start a run and discard the context of the previous one."""
    global _current, _has_begun
    _current, _has_begun = RunContext(environment=environment), True
    return _current


def has_begun() -> bool:
    """Whether this suite's runner has started a run in this process."""
    return _has_begun


def current() -> RunContext:
    """Return the context of the current run, or an empty one outside of any run."""
    return _current
