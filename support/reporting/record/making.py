"""Builds the record of a run from its context and results."""

from __future__ import annotations

import time

from support.redaction import PROCESS
from support.reporting.record.context import RunContext
from support.reporting.record.model import Record, ScenarioResult, Trouble, grouped_reasons, now


def record_of(report: RunContext, results: list[ScenarioResult], suite_errors: list[Trouble]) -> Record:
    """Return the record of a run that ends now."""
    return Record(
        environment=report.environment,
        started=report.started,
        finished=now(),
        duration_s=round(time.monotonic() - report.started_s, 3),
        scenarios=results,
        suite_errors=suite_errors,
        leftovers=PROCESS.redact_values(report.leftovers),
        fingerprint=PROCESS.redact_values(report.fingerprint),
        interrupted=report.interrupted,
        repeat=report.repeat,
        figures=report.figures,
        requests=report.requests,
        selection=report.selection,
        shard=report.shard,
        remarks=report.remarks,
        looser_limits=report.looser_limits,
    )


def nothing_ran(results: list[ScenarioResult]) -> str | None:
    """Return one sentence on why the run has judged nothing, or None if a scenario ran."""
    if any(result.ran for result in results):
        return None
    reasons = "; ".join(f"{reason} ({len(ids)})" for reason, ids in grouped_reasons(results).items())
    return f"nothing ran: every selected scenario was skipped: {reasons}"
