"""The history entry of one run: small, but with everything that comparisons over runs need."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

from support.config.environment import ENDPOINT_SECTIONS
from support.reporting.record.model import BAD_STATUSES, Record, ScenarioResult

SCHEMA: Literal["focus-acceptance/history/1"] = "focus-acceptance/history/1"
Status = Literal["passed", "failed", "error", "skipped", "known_issue", "unexpected_pass"]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
_NOT_STARTED = frozenset({"start", "before_all"})
_SHORT = 16
_P95 = "0.95"
LATENCY = "p95_ms "
"""Prefix of a figure: the P95 of the request named after it, in milliseconds."""
CAPACITY = "jobs held"
"""The figure for the number of jobs that were open at once."""


class PastResult(NamedTuple):
    """The result of one scenario: its status, its seconds, and the greatest share of a deadline that a wait used."""

    status: Status
    duration_s: Seconds
    closest_deadline: Share | None

    @property
    def is_bad(self) -> bool:
        return self.status in BAD_STATUSES

    @property
    def ran(self) -> bool:
        return self.status != "skipped"


class HistoryEntry(BaseModel):
    """A run. ``started`` is UTC; ``scenarios`` are by id with row; ``figures`` were measured, see ``LATENCY``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["focus-acceptance/history/1"] = Field(alias="schema")
    environment: Annotated[str, StringConstraints(min_length=1)]
    started: datetime.datetime
    duration_s: Seconds
    verdict: Literal["passed", "failed"]
    ended: Literal["complete", "interrupted", "not_started"]
    """Only a complete run has a meaningful result for each of its scenarios."""
    counts: dict[Status, Count]
    troubles: Count
    leftovers: Count
    revision: str | None
    """The commit of the suite; uncommitted changes add ``+`` and their hash."""
    fingerprint: str
    """A hash of the lasting properties of the environment; equal for equal environments."""
    shuffle: int | None = None
    """The seed of the order of the scenarios, or None for the order of the files."""
    series: str | None = None
    """The series of repeats that the run belongs to, or None."""
    under_load: bool = False
    figures: dict[str, FiniteFloat] = Field(default_factory=dict)
    scenarios: dict[str, PastResult]

    def line(self) -> str:
        """Return the entry as one line of JSON."""
        return self.model_dump_json(by_alias=True) + "\n"

    def figure(self, name: str) -> float | None:
        """Return the measurement with this name, or None."""
        return self.figures.get(name)

    @property
    def ran(self) -> int:
        """The number of scenarios that were run."""
        return sum(seen.ran for seen in self.scenarios.values())

    @property
    def bad(self) -> int:
        return sum(seen.is_bad for seen in self.scenarios.values())


def entry_of(record: Record, jobs_held: int | None = None) -> HistoryEntry:
    """Return the history entry of a record. ``jobs_held`` comes from the gap report of the same run, if it has one."""
    counts: dict[Any, int] = dict(record.counts())
    repeat = record.repeat
    return HistoryEntry(
        schema=SCHEMA,
        environment=record.environment,
        started=record.started.astimezone(datetime.UTC),
        duration_s=round(record.duration_s, 3),
        verdict="failed" if record.verdict == "failed" else "passed",
        ended=_ended(record),
        counts=counts,
        troubles=len(record.suite_errors),
        leftovers=len(record.leftovers),
        revision=_revision(record.fingerprint),
        fingerprint=_hash(_lasting(record.fingerprint)),
        shuffle=repeat.shuffle if repeat else None,
        series=repeat.series if repeat else None,
        under_load=repeat.under_load if repeat else False,
        figures=_figures(record, jobs_held),
        scenarios={scenario.id: _seen(scenario) for scenario in record.scenarios},
    )


def _figures(record: Record, jobs_held: int | None) -> dict[str, float]:
    latencies = {f"{LATENCY}{times.request}": times.quantiles_s.get(_P95) for times in record.requests}
    figures = dict(record.figures)
    figures |= {name: round(seconds * 1000, 1) for name, seconds in latencies.items() if seconds is not None}
    return figures if jobs_held is None else {**figures, CAPACITY: float(jobs_held)}


def _seen(scenario: ScenarioResult) -> PastResult:
    closest = scenario.closest_deadline
    status: Any = scenario.status
    return PastResult(status, round(scenario.duration_s, 3), None if closest is None else round(closest, 3))


def _ended(record: Record) -> Literal["complete", "interrupted", "not_started"]:
    if record.interrupted:
        return "interrupted"
    return "not_started" if any(error.where in _NOT_STARTED for error in record.suite_errors) else "complete"


def _revision(fingerprint: Mapping[str, Any]) -> str | None:
    commit, changes = fingerprint.get("git"), fingerprint.get("git_changes")
    return f"{commit}+{changes}" if commit and changes else str(commit) if commit else None


def _lasting(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of the fingerprint that do not change from run to run: without the revision of the suite, and
    without the endpoints of a sandbox, whose ports are new each time."""
    kept = {key: value for key, value in fingerprint.items() if not key.startswith("git")}
    configuration = kept.get("configuration")
    if isinstance(configuration, dict) and configuration.get("endpoints") == "run_file":
        kept["configuration"] = {k: v for k, v in configuration.items() if k not in ENDPOINT_SECTIONS}
    return kept


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_SHORT]
