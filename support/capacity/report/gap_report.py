"""The gap report (CA-07) as JSON and as a page: target, result, causes, what is missing and what to do.

It is written on a shortage, on success (then with the headroom) and on abort (``partial``). Its data comes from the
answers and from the cluster; the test machine appears only in the self-check of the load generator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.capacity.diagnosis import Diagnosis, diagnose
from support.capacity.load.run import CapacityRun
from support.capacity.report.cluster_room import ClusterRoom
from support.capacity.report.gap_arithmetic import Supply, supplies
from support.capacity.report.gap_measured import curves_part, ramp_part, resources_part, result_part
from support.capacity.report.gap_page import render
from support.capacity.report.gap_verdict import GapVerdict, judge, verdict_sentence
from support.capacity.report.next_steps import next_steps
from support.capacity.report.recommendations import recommend
from support.files import write_atomically
from support.redaction import PROCESS
from support.statistics.operational import knee
from support.statistics.verdict import Outcome

SCHEMA = "focus-acceptance/infra-gap-report/1"


def build_report(run: CapacityRun) -> dict[str, Any]:
    """Build the report as plain JSON values, valid by ``infra_gap_report.schema.json``. Numbers stay numbers."""
    diagnosis = diagnosis_of(run)
    judged = judge(run)
    room = ClusterRoom(run)
    found = supplies(room)
    wanted = recommend(room, diagnosis, found)
    report = {
        "schema": SCHEMA,
        "partial": run.partial,
        "stopped_because": run.stopped_because or None,
        "run": {
            "environment": run.environment,
            "started": _moment(run.started),
            "finished": _moment(run.finished),
            "git": run.git_revision,
            "fingerprint": dict(run.fingerprint),
        },
        "generator": _generator(run),
        "target": {
            "jobs": run.target.jobs,
            "success_min": run.target.success_rate,
            "p95_ms": run.target.p95_ms,
        },
        "result": result_part(run, diagnosis),
        "ramp": ramp_part(run),
        "curves": curves_part(run),
        "capacity": _capacity(run, found),
        "gap_analysis": _gap(run, judged, diagnosis, found),
        "bottleneck_analysis": [
            {
                "id": finding.cause.id,
                "title": finding.cause.title,
                "row": finding.cause.row,
                "primary_for_jobs": len(finding.jobs),
                "slow_jobs": len(finding.slow_jobs),
                "confidence": finding.confidence.name.lower(),
                "evidence": [asdict(row) for row in finding.evidence],
            }
            for finding in diagnosis.findings
        ],
        "unattributed": {
            "jobs": len(diagnosis.unattributed),
            "slow_jobs": len(diagnosis.unattributed_slow),
            "texts": list(diagnosis.unmatched),
        },
        "resources": {
            "supplies": [asdict(supply) for supply in found],
            "nodes": [asdict(node) for node in room.nodes()],
            "pods": resources_part(run),
        },
        "recommendations": [
            {
                "for": each.cause,
                "action": each.action,
                "from": each.before,
                "to": each.after,
                "arithmetic": each.arithmetic,
                "expected_effect": each.expected_effect,
                "verify_with": each.verify_with,
            }
            for each in wanted
        ],
        "next_steps": next_steps(run, diagnosis, wanted, found, judged.verdict),
        "leftovers": list(run.step.leftovers) if run.step else [],
        "recovery": None if run.recovery is None else asdict(run.recovery),
        "baseline": None if judged.baseline is None else _baseline(judged),
    }
    plain: dict[str, Any] = PROCESS.redact_values(json.loads(json.dumps(report)))
    return plain


def write_report(report: Mapping[str, Any], directory: Path) -> tuple[Path, Path]:
    """Write the JSON and the page beside it, and return both paths.

    The name contains the environment and the UTC time at which the run ended, so a second report of the same second
    replaces the first. Raises OSError if the folder is not writable.
    """
    run = report["run"]
    environment = re.sub(r"[^A-Za-z0-9_-]+", "-", run["environment"])
    at = datetime.fromisoformat(run["finished"]).strftime("%Y%m%dT%H%M%SZ")
    path = directory / f"infra_gap_report_{environment}_{at}.json"
    write_atomically(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    page = path.with_suffix(".html")
    write_atomically(page, render(report))
    return path, page


def diagnosis_of(run: CapacityRun) -> Diagnosis:
    """Diagnose the failed and late investigations of the judged step. The diagnosis is empty if it never ran."""
    if run.step is None:
        return diagnose((), run.during, run.self_check, before=run.before)
    return diagnose(
        run.step.records,
        run.during,
        run.self_check,
        before=run.before,
        ramp=[step.records for step in run.ramp],
        # Late answers need an explanation only if there are too many.
        slow_above_ms=None if judge(run).latency_verdict in (None, Outcome.PASS) else run.target.p95_ms,
        limit_s=run.target.limit_s("scheduled"),
    )


def _generator(run: CapacityRun) -> dict[str, Any]:
    return {
        **run.generator,
        "self_check": None if run.self_check is None else asdict(run.self_check),
        "peak_in_flight": run.step.peak_in_flight if run.step else None,
        "arrival_spread_ms": run.step.arrival_spread_ms if run.step else None,
        "machine": asdict(run.step.machine) if run.step and run.step.machine else None,
        "valid": run.self_check.trusted if run.self_check else None,
    }


def _capacity(run: CapacityRun, limits: Sequence[Supply]) -> dict[str, Any]:
    """Return the room of the cluster by arithmetic, and the concurrency of the server by the law of the knee."""
    passed = [step.asked for step in (*run.ramp, *([run.step] if run.step else ())) if step.succeeded == step.asked]
    points = [point for point in ramp_part(run) if point["throughput"]]
    fastest = [point["fastest_ms"] for point in points]
    most = max((point["throughput"] for point in points), default=None)
    return {
        "highest_step_passed": max(passed, default=None),
        "room_for_jobs": limits[0].slots if limits else None,
        "binding_resource": limits[0].resource if limits else None,
        "knee_estimate": None if most is None else round(knee(most, min(fastest) / 1000), 1),
        "method": "room: least of offered less others' requests, divided by one job's; knee: X_max * R_min",
    }


def _gap(run: CapacityRun, judged: GapVerdict, diagnosis: Diagnosis, limits: Sequence[Supply]) -> dict[str, Any]:
    achieved = run.step.succeeded if run.step else 0
    room = limits[0].slots if limits else None
    return {
        "target": run.target.jobs,
        "achieved": achieved,
        "gap": max(0, run.target.jobs - achieved),
        "headroom_jobs": None if room is None else room - run.target.jobs,
        "verdict": judged.verdict.value,
        "confidence": 0.95,
        "sentence": verdict_sentence(run, judged, diagnosis),
        "gates": [
            {"name": gate.name, "verdict": None if gate.verdict is None else gate.verdict.value, "reason": gate.reason}
            for gate in judged.gates
        ],
    }


def _baseline(judged: GapVerdict) -> dict[str, Any]:
    found = judged.baseline
    assert found is not None
    alarm = found.verdict is Outcome.FAIL
    return {"runs": found.runs, "median_p95_ms": found.median, "mad_ms": found.mad, "limit_ms": found.limit,
            "alarm": alarm, "reason": found.reason}  # fmt: skip


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
