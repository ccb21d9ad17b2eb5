"""The run record: plain values, and the rules that turn scenario results into a verdict. Independent of behave."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from support.files import write_atomically
from support.reporting.record.requests import RequestTimes

SCHEMA = "focus-acceptance/run/1"
STATUSES = ("passed", "failed", "error", "skipped", "known_issue", "unexpected_pass")
BAD_STATUSES = frozenset({"failed", "error", "unexpected_pass"})


def now() -> datetime.datetime:
    """Return the current UTC time, cut to the millisecond, so that a record reads back exactly as it was written."""
    moment = datetime.datetime.now(datetime.UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True)
class Trouble:
    """An error outside of a step: `where` names the hook or clean-up, `message` describes the error."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True)
class StepResult:
    """The result of one step; `status` is behave's name for it, `error` the text of the failure."""

    keyword: str
    name: str
    status: str
    duration_s: float
    error: str | None = None
    table: list[list[str]] | None = None
    """The data table, headings first. A long table is cut after its first rows."""
    text: str | None = None
    """The text below the step, between quotes."""


@dataclass(frozen=True)
class ScenarioResult:
    """The result of a scenario or of a row of an outline. `requirement` is None only without an id tag, which the lint
    forbids."""

    id: str
    requirement: str | None
    name: str
    feature: str
    line: int
    rule: str | None
    tags: list[str]
    status: str
    reason: str | None
    duration_s: float
    evidence: list[str] = field(default_factory=list)
    feature_name: str = ""
    steps: list[StepResult] = field(default_factory=list)
    closest_deadline: float | None = None
    """The greatest share (0 to 1) of a deadline that one of its waits used; None if nothing was waited for."""
    started: datetime.datetime | None = None
    """The start time; None if the scenario never started."""
    row: dict[str, str] = field(default_factory=dict)
    """The cells of the row of the outline, by heading."""
    ticket: str | None = None
    """The ticket of the known issue with which it failed, or in spite of which it passed."""

    @property
    def is_bad(self) -> bool:
        return self.status in BAD_STATUSES

    @property
    def ran(self) -> bool:
        return self.status != "skipped"


@dataclass(frozen=True)
class Repeat:
    """The settings of a repeated run: `shuffle` is the seed of its order, `series` names the series of repeats that it
    belongs to, `under_load` is set if the processors were kept busy meanwhile."""

    shuffle: int | None = None
    series: str | None = None
    under_load: bool = False


@dataclass(frozen=True)
class Selection:
    """The selection of a run. ``complete`` is set if only scenarios that no run takes were left out. Only such a run
    allows conclusions about the whole suite."""

    tags: str = ""
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    complete: bool = True


@dataclass
class Record:
    """A whole run. Its verdict is computed, never set."""

    environment: str
    started: datetime.datetime
    finished: datetime.datetime
    duration_s: float
    scenarios: list[ScenarioResult]
    suite_errors: list[Trouble] = field(default_factory=list)
    leftovers: list[Any] = field(default_factory=list)
    fingerprint: dict[str, Any] = field(default_factory=dict)
    interrupted: str | None = None
    repeat: Repeat | None = None
    figures: dict[str, float] = field(default_factory=dict)
    requests: list[RequestTimes] = field(default_factory=list)
    selection: Selection = field(default_factory=Selection)
    shard: dict[str, Any] | None = None
    """The ``index`` of this share and the ``plan`` of all shares, if the run was split; otherwise None."""
    remarks: list[Trouble] = field(default_factory=list)
    """Findings about the site that do not make the run fail. `where` is the name used by `first_steps.toml`."""
    looser_limits: list[str] = field(default_factory=list)
    """Limits of the environment that are looser than the requirements, one sentence each. With one of them, a green run
    does not prove that the requirement holds."""

    @property
    def verdict(self) -> str:
        return "failed" if self.why_failed() else "passed"

    @property
    def broken_on_purpose(self) -> str:
        """Description of the deliberate change to the sandbox of this run; empty for an unchanged system."""
        return str(self.fingerprint.get("sandbox", ""))

    @property
    def unverified(self) -> str:
        """The services whose certificates were not verified, separated by commas; empty if all were."""
        return ", ".join(map(str, self.fingerprint.get("unverified_certificates") or ()))

    def why_failed(self) -> list[str]:
        """Return the reasons for a red run, one short sentence each; empty if the run passed."""
        counts = self.counts()
        reasons = [
            f"{counts[status]} {text}"
            for status, text in (
                ("failed", "failed"),
                ("error", "ended with an error"),
                ("unexpected_pass", "passed although listed as a known issue"),
            )
            if counts[status]
        ]
        if self.suite_errors:
            reasons.append(f"{_count(len(self.suite_errors), 'trouble')} outside of the scenarios")
        if self.leftovers:
            reasons.append(f"{_count(len(self.leftovers), 'leftover')} could not be removed")
        if not reasons and not any(scenario.ran for scenario in self.scenarios):
            reasons.append("nothing ran")
        return reasons

    def suite_problems(self) -> list[str]:
        """Return the reasons for a red run that no scenario shows. A report of scenarios alone would be green."""
        problems = [str(error) for error in self.suite_errors] + [f"left over: {item}" for item in self.leftovers]
        if not problems and not any(scenario.is_bad for scenario in self.scenarios):
            return self.why_failed()
        return problems

    def counts(self) -> Counter[str]:
        return Counter(scenario.status for scenario in self.scenarios)

    def requirements(self) -> dict[str, dict[str, Any]]:
        """Return verdict (passed, failed, known_issue, skipped) and counts by status of each requirement, by id."""
        by_id: dict[str, Counter[str]] = {}
        for scenario in self.scenarios:
            by_id.setdefault(scenario.requirement or "none", Counter())[scenario.status] += 1
        return {key: {"verdict": _requirement_verdict(by_id[key]), **_ordered(by_id[key])} for key in sorted(by_id)}

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "environment": self.environment,
            "started": _iso(self.started),
            "finished": _iso(self.finished),
            "duration_s": round(self.duration_s, 3),
            "verdict": self.verdict,
            "why_failed": self.why_failed(),
            "interrupted": self.interrupted,
            "repeat": asdict(self.repeat) if self.repeat else None,
            "selection": asdict(self.selection),
            "shard": self.shard,
            "figures": self.figures,
            "counts": {status: self.counts()[status] for status in STATUSES},
            "retries": 0,
            "requests": [asdict(times) for times in self.requests],
            "looser_limits": self.looser_limits,
            "fingerprint": self.fingerprint,
            "suite": {"errors": [{"where": error.where, "message": error.message} for error in self.suite_errors]},
            "remarks": [{"where": remark.where, "message": remark.message} for remark in self.remarks],
            "leftovers": self.leftovers,
            "requirements": self.requirements(),
            "scenarios": [_scenario_json(scenario) for scenario in self.scenarios],
        }


def grouped_reasons(scenarios: Iterable[ScenarioResult], status: str = "skipped") -> dict[str, list[str]]:
    """Return reason -> ids of the scenarios with that status, the most frequent reason first."""
    groups: dict[str, list[str]] = {}
    for scenario in scenarios:
        if scenario.status == status:
            groups.setdefault(scenario.reason or "no reason given", []).append(scenario.id)
    return dict(sorted(groups.items(), key=lambda item: -len(item[1])))


def write_record(record: Record, directory: Path) -> Path:
    """Write `run.json` and return its path. Values without a JSON type are written as text."""
    path = directory / "run.json"
    write_atomically(path, json.dumps(record.as_json(), indent=2, ensure_ascii=False, default=str) + "\n")
    return path


def _scenario_json(scenario: ScenarioResult) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "requirement": scenario.requirement,
        "name": scenario.name,
        "feature": scenario.feature,
        "feature_name": scenario.feature_name,
        "line": scenario.line,
        "rule": scenario.rule,
        "tags": scenario.tags,
        "status": scenario.status,
        "reason": scenario.reason,
        "ticket": scenario.ticket,
        "row": scenario.row,
        "started": None if scenario.started is None else _iso(scenario.started),
        "duration_s": round(scenario.duration_s, 6),
        "closest_deadline": None if scenario.closest_deadline is None else round(scenario.closest_deadline, 4),
        "evidence": scenario.evidence,
        "steps": [
            {
                "keyword": step.keyword,
                "name": step.name,
                "status": step.status,
                "duration_s": round(step.duration_s, 6),
                "error": step.error,
                "table": step.table,
                "text": step.text,
            }
            for step in scenario.steps
        ],
    }


def _requirement_verdict(counts: Counter[str]) -> str:
    if any(counts[status] for status in BAD_STATUSES):
        return "failed"
    return next((status for status in ("known_issue", "passed") if counts[status]), "skipped")


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {status: counts[status] for status in STATUSES if counts[status]}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _iso(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
