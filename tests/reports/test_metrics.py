"""The metrics file: valid for both parsers of the official Prometheus client, and in agreement with the record."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest
from a_record import STARTED, everything, record, scenario
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from support.capacity.report.gap_report import build_report, write_report
from support.reporting.capacity_report import CapacityReport, CapacityReportError, capacity_report_of
from support.reporting.writers.metrics import metrics_text, write_metrics
from tests.support.capacity.canned_runs import shortage_of_slices

CAPACITY = CapacityReport(Path("x"), 200, 150, 50, "fail", "50 jobs are missing.")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    found = {}
    for family in openmetrics(text):
        for sample in family.samples:
            found[sample.name.removeprefix("focus_acceptance_"), frozenset(sample.labels.items())] = sample.value
    return found


def value(found: Samples, sample: str, /, **labels: str) -> float:
    return found[sample, frozenset({"environment": "staging", **labels}.items())]


def test_both_parsers_read_the_same_samples() -> None:
    text = metrics_text(everything(), CAPACITY)
    assert text.endswith("\n# EOF\n")
    older = {
        (sample.name.removeprefix("focus_acceptance_"), frozenset(sample.labels.items())): sample.value
        for family in prometheus(text)
        for sample in family.samples
    }
    assert older == samples(text)


def test_verdicts_counts_and_durations_are_those_of_the_record() -> None:
    found = samples(metrics_text(everything()))
    assert value(found, "run_passed") == 0
    assert value(found, "run_leftovers") == 1 and value(found, "run_suite_errors") == 1
    assert value(found, "run_finished_timestamp_seconds") == STARTED.timestamp() + 60
    assert value(found, "scenarios", status="failed") == 2
    assert value(found, "scenarios", status="known_issue") == 1
    assert value(found, "requirement_verdict", requirement="JL-01", verdict="failed") == 1
    assert value(found, "requirement_verdict", requirement="JL-01", verdict="passed") == 0
    assert value(found, "requirement_verdict", requirement="JL-04", verdict="known_issue") == 1
    assert value(found, "scenario_duration_seconds_count", area="job_lifecycle") == 7
    assert value(found, "scenario_duration_seconds", area="job_lifecycle", quantile="0.95") == 1.5


def test_a_green_run_is_green() -> None:
    found = samples(metrics_text(record(scenario())))
    assert value(found, "run_passed") == 1
    assert value(found, "requirement_verdict", requirement="JL-01", verdict="passed") == 1


def test_latencies_figures_and_versions_are_there() -> None:
    found = samples(metrics_text(everything()))
    assert value(found, "request_duration_seconds", request="POST /configure", quantile="0.5") == 0.2
    assert value(found, "request_duration_seconds_count", request="POST /configure") == 2
    assert value(found, "request_duration_max_seconds", request="POST /configure") == 0.4
    assert value(found, "figure", figure="configure_p95_ms") == 41.5
    versions = {"focus_server": "server:1", "kubernetes": "v1.34.1", "mongodb": "not known: no connection"}
    assert value(found, "run_versions", git="0123456789abcdef", **versions) == 1


def test_capacity_is_told_only_where_it_was_measured() -> None:
    found = samples(metrics_text(everything(), CAPACITY))
    assert value(found, "capacity_target_jobs") == 200
    assert value(found, "capacity_achieved_jobs") == 150
    assert value(found, "capacity_gap_jobs") == 50
    assert value(found, "capacity_verdict", verdict="fail") == 1
    assert value(found, "capacity_verdict", verdict="pass") == 0
    assert not any("capacity" in name for name, _ in samples(metrics_text(everything())))


def test_odd_text_in_a_label_is_escaped() -> None:
    odd = 'a "b" \\ c\nd'
    of = dataclasses.replace(record(scenario()), environment=odd, fingerprint={})
    assert ("run_passed", frozenset({("environment", odd)})) in samples(metrics_text(of))


def gap_report(folder: Path, moment, **gap: object) -> Path:
    path = folder / f"infra_gap_report_staging_{moment:%Y%m%dT%H%M%SZ}.json"
    told = {"target": 200, "achieved": 150, "gap": 50, "verdict": "fail", "sentence": "50 are missing.", **gap}
    path.write_text(json.dumps({"gap_analysis": told}))
    return path


def test_the_last_gap_report_of_this_run_counts(tmp_path: Path) -> None:
    gap_report(tmp_path, STARTED - timedelta(seconds=10), achieved=1)
    gap_report(tmp_path, STARTED + timedelta(seconds=10), achieved=2)
    last = gap_report(tmp_path, STARTED + timedelta(seconds=20), achieved=3)
    gap_report(tmp_path, STARTED + timedelta(seconds=99), achieved=4)
    found = capacity_report_of(record(), tmp_path)
    assert found == CapacityReport(last, 200, 3, 50, "fail", "50 are missing.")
    text = write_metrics(record(), tmp_path, found).read_text()
    assert 'focus_acceptance_capacity_achieved_jobs{environment="staging"} 3' in text


def test_a_report_of_another_run_or_environment_is_none_of_this_run(tmp_path: Path) -> None:
    gap_report(tmp_path, STARTED - timedelta(seconds=10))
    gap_report(tmp_path, STARTED + timedelta(seconds=5)).rename(
        tmp_path / "infra_gap_report_production_20260304T050610Z.json"
    )
    (tmp_path / "infra_gap_report_staging_lately.json").write_text("{}")
    assert capacity_report_of(record(), tmp_path) is None


@pytest.mark.parametrize("gap", [{"verdict": "PERHAPS"}, {"achieved": None}])
def test_a_gap_report_that_cannot_be_read_is_an_error(tmp_path: Path, gap: dict[str, object]) -> None:
    path = gap_report(tmp_path, STARTED, **gap)
    with pytest.raises(CapacityReportError, match=f"^{path.name}: not a gap report: "):
        capacity_report_of(record(), tmp_path)


def test_the_report_that_a_capacity_run_writes_is_the_one_that_is_read(tmp_path: Path) -> None:
    written = dataclasses.replace(
        shortage_of_slices(), environment="staging", finished=STARTED + timedelta(seconds=30), started=STARTED
    )
    report = build_report(written)
    write_report(report, tmp_path)
    found = capacity_report_of(record(), tmp_path)
    assert found is not None
    gap = report["gap_analysis"]
    assert (found.target_jobs, found.achieved_jobs, found.gap_jobs) == (gap["target"], gap["achieved"], gap["gap"])
    assert (found.verdict, found.sentence) == ("fail", gap["sentence"])
