"""What the hooks know about a run and the reports have to say: filled by support/hooks, read by runner and formatters.

The runner calls `begin()` once; everybody else asks `current()`. It is a module variable because behave creates hooks
and formatters itself and hands them no common object.
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

    `leftovers` are what the run could not remove; `suite_errors` are troubles that belong to no scenario. Either makes
    the run fail. `redact` is applied to every text that comes from an exception.
    """

    environment: str = "unknown"
    fingerprint: dict[str, Any] = field(default_factory=dict)
    known_issues: list[KnownIssue] = field(default_factory=list)
    looser_limits: list[str] = field(default_factory=list)
    """What the environment lets pass beyond the requirements, one sentence each."""
    leftovers: list[Any] = field(default_factory=list)
    evidence: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[Trouble] = field(default_factory=list)
    conclusions: dict[str, str] = field(default_factory=dict)
    """By scenario id, what the evidence of its failure speaks for."""
    broken_layers: dict[int, str] = field(default_factory=dict)
    """By the number of a layer of the infrastructure, the scenario that found it broken."""
    suite_errors: list[Trouble] = field(default_factory=list)
    closest_deadlines: dict[str, float | None] = field(default_factory=dict)
    """By scenario id with row, the greatest share of a deadline that one of its waits used; None if none waited."""
    requests: list[RequestTimes] = field(default_factory=list)
    """How long the Focus Server took over the whole run, by what it was asked for."""
    redact: Callable[[str], str] = field(default=PROCESS.redact)

    figures: dict[str, float] = field(default_factory=dict)
    """What scenarios measured; see `figure`."""
    asides: dict[str, bool] = field(default_factory=dict)
    """See `aside`; whether it was told already."""
    repeat: Repeat | None = None
    """Set by the runner for a run that is one of several, or whose order is shuffled."""
    selection: Selection = field(default_factory=Selection)
    shard: dict[str, Any] | None = None
    """The share of a split run that this one is, and the plan of all; set by the runner."""
    folder: Path | None = None
    """Where this run alone writes; set by the runner when it is certain that it will run."""
    started: datetime.datetime = field(default_factory=now)
    started_s: float = field(default_factory=time.monotonic)
    selected: list[Any] = field(default_factory=list)
    """The behave scenarios that tags, paths and names chose, in order; set by the runner before any hook."""
    scenario_starts: dict[int, datetime.datetime] = field(default_factory=dict)
    """When each behave scenario had its turn, by its `id()`; set by the formatter `record`."""
    elsewhere: dict[int, ScenarioResult] = field(default_factory=dict)
    """By `id()` of the behave scenario, the results of those that ran side by side, whichever process ran them."""
    side_by_side: bool = False
    """Whether other scenarios run at the moment."""
    shared_troubles: dict[str, list[str]] = field(default_factory=dict)
    """By scenario id, what the server was seen to suffer while this scenario and others ran."""
    scenario_troubles: dict[int, list[Trouble]] = field(default_factory=dict)
    """Hook and clean-up failures by `id()` of the behave scenario; set by the runner."""
    refusal: str | None = None
    """Why nothing can be judged: wrong use, or nowhere to write. It is all that is said, and the run ends with 2."""
    interrupted: str | None = None
    """Why the run ended early, or None; set by the runner."""
    record: Record | None = None
    """The finished record; set by the runner after the last clean-up and before the formatters close."""

    def aside(self, text: str) -> None:
        """Note what a reader should know of a scenario that passes, such as that there was nothing to look at."""
        self.asides.setdefault(text, False)

    def new_asides(self) -> list[str]:
        """Those that were not answered yet: each is told once in a run."""
        new = [text for text, told in self.asides.items() if not told]
        self.asides |= dict.fromkeys(new, True)
        return new

    def suite_error(self, where: str, message: str) -> None:
        """Note a trouble that belongs to no scenario, such as a failed sweep at the end of the run."""
        self.suite_errors.append(Trouble(where, self.redact(message)))

    def remark(self, where: str, message: str) -> None:
        """Note what was seen of the site and makes no run fail; `where` is its name in `first_steps.toml`."""
        self.remarks.append(Trouble(where, self.redact(message)))

    def figure(self, name: str, value: float) -> None:
        """Note what a scenario measured, for the record, the metrics, the history and the trends. The name ends in the
        unit: `configure_p95_ms`."""
        if not FIGURE_NAME.fullmatch(name) or not math.isfinite(value):
            raise ValueError(f"figure {name}={value}: a name such as configure_p95_ms and a finite number")
        self.figures[name] = float(value)

    def add_evidence(self, scenario_id: str, path: str) -> None:
        """Note a file that helps to understand a scenario; `scenario_id` as `identity` gives it."""
        self.evidence.setdefault(scenario_id, []).append(path)

    def known_issues_of(self, scenario_id: str) -> list[KnownIssue]:
        """The entries for this scenario; those for the row go before those for the whole outline."""
        matching = [issue for issue in self.known_issues if issue.covers(scenario_id)]
        return sorted(matching, key=lambda issue: -len(issue.scenario))


_current = RunContext()
_has_begun = False


def begin(environment: str = "unknown") -> RunContext:
    """Start a run: forget the one before."""
    global _current, _has_begun
    _current, _has_begun = RunContext(environment=environment), True
    return _current


def has_begun() -> bool:
    """Whether a run of this suite's runner goes on in this process."""
    return _has_begun


def current() -> RunContext:
    """The run that is going on (or an empty one, outside of any run)."""
    return _current
