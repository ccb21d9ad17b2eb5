"""Writes the metrics of a run as OpenMetrics text that is valid in the older Prometheus text format too.

For that reason only gauges and summaries are used. A textfile collector or a Pushgateway accepts the file unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.files import write_atomically
from support.reporting.capacity_report import VERDICTS, CapacityReport
from support.reporting.facts import short_facts
from support.reporting.record.model import STATUSES, Record
from support.reporting.record.requests import QUANTILES, quantile
from support.reporting.writers.junit import area_of

FILE = "metrics.prom"
REQUIREMENT_VERDICTS = ("passed", "failed", "known_issue", "skipped")
_PREFIX = "focus_acceptance"


@dataclass
class _Family:
    """The samples of one metric name. A sample has a suffix, labels and a value."""

    name: str
    kind: str
    help: str
    samples: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    def add(self, value: float, suffix: str = "", **labels: str) -> None:
        self.samples.append((suffix, labels, value))

    def summarise(self, values: Iterable[float], **labels: str) -> None:
        """Add the summary of a complete set of values."""
        ordered = sorted(values)
        for share in QUANTILES:
            self.add(quantile(ordered, share), quantile=f"{share:g}", **labels)
        self.add(math.fsum(ordered), "_sum", **labels)
        self.add(len(ordered), "_count", **labels)

    def lines(self, common: Mapping[str, str]) -> Iterator[str]:
        name = f"{_PREFIX}_{self.name}"
        yield f"# HELP {name} {_escaped(self.help)}"
        yield f"# TYPE {name} {self.kind}"
        for suffix, labels, value in self.samples:
            pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in {**common, **labels}.items())
            yield f"{name}{suffix}{{{pairs}}} {_number(value)}"


def write_metrics(record: Record, reports: Path, capacity: CapacityReport | None = None) -> Path:
    """Write ``metrics.prom`` and return its path."""
    path = reports / FILE
    write_atomically(path, metrics_text(record, capacity))
    return path


def metrics_text(record: Record, capacity: CapacityReport | None = None) -> str:
    """Return the metrics of a run, each with the environment as a label."""
    families = [*_of_the_run(record), *_of_scenarios(record), *_of_requests(record), *_of_capacity(capacity)]
    common = {"environment": record.environment}
    lines = [line for family in families if family.samples for line in family.lines(common)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _of_the_run(record: Record) -> Iterator[_Family]:
    versions = _Family("run_versions", "gauge", "Always 1; what the run was made on is in the labels.")
    facts = short_facts(record)
    kept = ("focus_server", "kubernetes", "mongodb", "git")
    versions.add(1, **{key: facts[key] for key in kept if key in facts})
    yield versions
    for name, text, value in (
        ("run_passed", "1 if the run passed, 0 if it failed.", float(record.verdict == "passed")),
        ("run_interrupted", "1 if the run ended before it was complete.", float(record.interrupted is not None)),
        ("run_started_timestamp_seconds", "When the run began.", record.started.timestamp()),
        ("run_finished_timestamp_seconds", "When the run ended.", record.finished.timestamp()),
        ("run_duration_seconds", "How long the run took.", record.duration_s),
        ("run_suite_errors", "Troubles outside of the scenarios.", len(record.suite_errors)),
        ("run_leftovers", "Things that the run could not remove.", len(record.leftovers)),
    ):
        family = _Family(name, "gauge", text)
        family.add(value)
        yield family
    figures = _Family("figure", "gauge", "What scenarios measured; the name ends in the unit.")
    for name, value in sorted(record.figures.items()):
        figures.add(value, figure=name)
    yield figures


def _of_scenarios(record: Record) -> Iterator[_Family]:
    counts = _Family("scenarios", "gauge", "Scenarios, or rows of outlines, by status.")
    for status in STATUSES:
        counts.add(record.counts()[status], status=status)
    verdicts = _Family("requirement_verdict", "gauge", "1 for the verdict of the requirement, 0 for the others.")
    for requirement, entry in record.requirements().items():
        for verdict in REQUIREMENT_VERDICTS:
            verdicts.add(float(entry["verdict"] == verdict), requirement=requirement, verdict=verdict)
    durations = _Family("scenario_duration_seconds", "summary", "How long scenarios took that ran, by area.")
    areas: dict[str, list[float]] = {}
    for scenario in record.scenarios:
        if scenario.ran:
            areas.setdefault(area_of(scenario), []).append(scenario.duration_s)
    for area, values in areas.items():
        durations.summarise(values, area=area)
    yield from (counts, verdicts, durations)


def _of_requests(record: Record) -> Iterator[_Family]:
    times = _Family("request_duration_seconds", "summary", "How long the Focus Server took, as the suite saw it.")
    slowest = _Family("request_duration_max_seconds", "gauge", "The slowest of them.")
    for one in record.requests:
        for share, value in one.quantiles_s.items():
            times.add(value, quantile=share, request=one.request)
        times.add(one.sum_s, "_sum", request=one.request)
        times.add(one.count, "_count", request=one.request)
        slowest.add(one.max_s, request=one.request)
    yield from (times, slowest)


def _of_capacity(capacity: CapacityReport | None) -> Iterator[_Family]:
    if capacity is None:
        return
    for name, text, value in (
        ("capacity_target_jobs", "How many jobs must be open at the same time.", capacity.target_jobs),
        ("capacity_achieved_jobs", "How many were.", capacity.achieved_jobs),
        ("capacity_gap_jobs", "How many are missing; 0 if the target is met.", capacity.gap_jobs),
    ):
        family = _Family(name, "gauge", text)
        family.add(value)
        yield family
    verdicts = _Family("capacity_verdict", "gauge", "1 for what the measurement came to, 0 for the others.")
    for verdict in VERDICTS:
        verdicts.add(float(capacity.verdict == verdict), verdict=verdict)
    yield verdicts


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
