"""Reads the run record, the results of the fault matrix and the results of mutants from their files."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.reporting.record.model import (
    SCHEMA,
    STATUSES,
    Record,
    Repeat,
    ScenarioResult,
    Selection,
    StepResult,
    Trouble,
)
from support.reporting.record.requests import RequestTimes


class ReadingError(Exception):
    """A file cannot be used. The message is one sentence."""


@dataclass(frozen=True)
class MatrixResults:
    """Results of the last fault matrix: `caught` by fault id. `finished` is None if the file has no such value."""

    finished: datetime.datetime | None
    caught: Mapping[str, bool]


@dataclass(frozen=True)
class MutantCounts:
    """Counts of the mutants of one module, or of the mutants noticed by scenarios of one requirement."""

    name: str
    places: int
    killed: int
    survived: int
    equivalent: int


@dataclass(frozen=True)
class MutantResults:
    """Results of random changes to the sandbox's code, by module and by requirement. The requirement is empty for
    changes with which the server does not start."""

    finished: datetime.datetime
    modules: tuple[MutantCounts, ...]
    requirements: tuple[MutantCounts, ...]
    survivors: tuple[str, ...]

    @property
    def all(self) -> MutantCounts:
        sums = {name: sum(getattr(one, name) for one in self.modules) for name in _COUNTS}
        return MutantCounts("all", **sums)


_COUNTS = ("places", "killed", "survived", "equivalent")


def read_record(path: Path) -> Record:
    """Read the record of a run. Raises :class:`ReadingError` if the file holds none."""
    return parse_record(_text(path), path.name)


def parse_record(text: str, name: str) -> Record:
    """Parse a text as the record of a run; errors refer to it as `name`."""
    content = _parsed(text, name)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ReadingError(f"{name}: not a run record of the schema {SCHEMA}")
    try:
        return _record(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadingError(f"{name}: not a valid run record: {type(error).__name__} {error}") from error


def read_matrix(path: Path) -> MatrixResults | None:
    """Read the last results of the fault matrix, or return None if the file does not exist.

    The file is `{"finished": iso, "faults": [{"id": str, "caught": bool}, ...]}`; other keys are ignored.
    """
    if not path.is_file():
        return None
    content = _parsed(_text(path), path.name)
    try:
        finished = content.get("finished")
        caught = {str(fault["id"]): bool(fault["caught"]) for fault in content["faults"]}
        return MatrixResults(_moment(finished) if finished else None, caught)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadingError(f"{path.name}: not the results of a fault matrix: {error}") from error


def read_mutants(path: Path) -> MutantResults | None:
    """Read the last results of `python -m tools.mutants`, or return None if the file does not exist."""
    if not path.is_file():
        return None
    content = _parsed(_text(path), path.name)
    try:
        return MutantResults(
            finished=_moment(content["finished"]),
            modules=_mutant_counts(content, "module"),
            requirements=_mutant_counts(content, "requirement"),
            survivors=tuple(map(str, content["survivors"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadingError(f"{path.name}: not the results of mutants: {error}") from error


def _mutant_counts(content: Mapping[str, Any], key: str) -> tuple[MutantCounts, ...]:
    return tuple(MutantCounts(str(one[key]), *(int(one[name]) for name in _COUNTS)) for one in content[f"{key}s"])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReadingError(f"{path.name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReadingError(f"{path.name}: not JSON: {error}") from error


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ReadingError(f"{name}: not JSON: {error}") from error


def _record(content: dict[str, Any]) -> Record:
    started, finished = _moment(content["started"]), _moment(content["finished"])
    record = Record(
        environment=str(content["environment"]),
        started=started,
        finished=finished,
        duration_s=float(content.get("duration_s", (finished - started).total_seconds())),
        scenarios=[_scenario(entry) for entry in content["scenarios"]],
        suite_errors=_troubles(content.get("suite", {}).get("errors", [])),
        remarks=_troubles(content.get("remarks", [])),
        leftovers=list(content["leftovers"]),
        fingerprint=dict(content.get("fingerprint", {})),
        interrupted=content.get("interrupted"),
        figures=dict(content.get("figures", {})),
        repeat=Repeat(**content["repeat"]) if content.get("repeat") else None,
        requests=[RequestTimes(**times) for times in content.get("requests", [])],
        selection=_selection(content.get("selection", {})),
        shard=content.get("shard"),
        looser_limits=[str(sentence) for sentence in content.get("looser_limits", [])],
    )
    if content["verdict"] == "failed" and record.verdict == "passed":
        reasons = "; ".join(str(reason) for reason in content.get("why_failed", [])) or "no reason is recorded"
        record.suite_errors.append(Trouble("run", reasons))
    return record


def _troubles(entries: list[dict[str, Any]]) -> list[Trouble]:
    return [Trouble(str(entry["where"]), str(entry["message"])) for entry in entries]


def _selection(content: dict[str, Any]) -> Selection:
    """Return the selection. An older record has none; its run is taken as complete."""
    return Selection(
        tags=str(content.get("tags", "")),
        names=tuple(map(str, content.get("names", ()))),
        paths=tuple(map(str, content.get("paths", ()))),
        complete=bool(content.get("complete", True)),
    )


def _scenario(entry: dict[str, Any]) -> ScenarioResult:
    if entry["status"] not in STATUSES:
        raise ValueError(f"unknown status {entry['status']}")
    return ScenarioResult(
        id=str(entry["id"]),
        requirement=entry["requirement"],
        name=str(entry["name"]),
        feature=str(entry["feature"]),
        line=int(entry["line"]),
        rule=entry["rule"],
        tags=[str(tag) for tag in entry["tags"]],
        status=entry["status"],
        reason=entry["reason"],
        duration_s=float(entry["duration_s"]),
        evidence=[str(path) for path in entry["evidence"]],
        feature_name=str(entry.get("feature_name", "")),
        steps=[
            StepResult(
                step["keyword"],
                step["name"],
                step["status"],
                step["duration_s"],
                step["error"],
                step.get("table"),
                step.get("text"),
            )
            for step in entry.get("steps", [])
        ],
        closest_deadline=entry.get("closest_deadline"),
        started=_moment(entry["started"]) if entry.get("started") else None,
        row=dict(entry.get("row", {})),
        ticket=entry.get("ticket"),
    )


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
