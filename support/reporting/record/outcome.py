"""Converts a finished behave scenario into its result in the record.

behave's final status already includes failing hooks and clean-ups. This module adds the reason, the known issues and
the scenarios that never started. It does not import behave: statuses are compared by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.reporting.record.context import RunContext
from support.reporting.record.identity import identify, rule_name
from support.reporting.record.known import judge_with_issues
from support.reporting.record.model import ScenarioResult, StepResult
from support.statistics.verdict import Inconclusive

_BAD_STEPS = frozenset({"failed", "error", "hook_error", "cleanup_error", "undefined", "pending"})
_TABLE_ROWS = 50
_STEP_WORDS = {"untested": "skipped", "untested_undefined": "undefined", "untested_pending": "pending"}


def scenario_result(scenario: Any, run: RunContext) -> ScenarioResult:
    """Return the result of one scenario. It is final once behave has left the scenario, including its clean-up."""
    done = run.elsewhere.get(id(scenario))
    if done is not None:
        return done
    identity = identify(scenario)
    status, reason = _status_and_reason(scenario, run)
    judged = judge_with_issues(
        run.known_issues_of(identity.id), status, reason, _what_an_issue_may_excuse(scenario, run), run.started.date()
    )
    return ScenarioResult(
        id=identity.id,
        requirement=identity.requirement,
        name=str(scenario.name),
        feature=Path(str(scenario.filename)).as_posix(),
        line=int(scenario.line),
        rule=rule_name(scenario),
        tags=sorted(str(tag) for tag in scenario.effective_tags),
        status=judged.status,
        reason=_with_conclusion(judged.reason, run.conclusions.get(identity.id)),
        duration_s=round(float(scenario.duration), 6),
        evidence=list(run.evidence.get(identity.id, [])),
        feature_name=str(scenario.feature.name),
        steps=[_step_result(step, run) for step in scenario.all_steps],
        closest_deadline=run.closest_deadlines.get(identity.id),
        started=run.scenario_starts.get(id(scenario)),
        row=_row(scenario),
        ticket=None if judged.issue is None else judged.issue.ticket,
    )


def all_results(run: RunContext) -> list[ScenarioResult]:
    """Return the results of all selected scenarios, in the order of the features."""
    return [scenario_result(scenario, run) for scenario in run.selected]


def _with_conclusion(reason: str | None, conclusion: str | None) -> str | None:
    return reason if reason is None or conclusion is None else f"{reason}\n{conclusion}"


def _status_and_reason(scenario: Any, run: RunContext) -> tuple[str, str | None]:
    troubles = run.scenario_troubles.get(id(scenario), [])
    word = scenario.status.name
    if word == "untested" and not troubles:
        return _never_ran(scenario, run)
    if word == "skipped" and not troubles:
        return "skipped", run.redact(scenario.skip_reason or "no reason given")
    if word == "passed" and not troubles:
        if not list(scenario.all_steps):
            return "error", "the scenario has no steps, so it checks nothing"
        return "passed", None
    status = "failed" if word == "failed" and not troubles else "error"
    parts = [_failure_text(step, run) for step in scenario.all_steps if step.status.name in _BAD_STEPS][:1]
    parts += [str(error) for error in troubles]
    return status, "\n".join(parts) or f"behave reports {word} without saying why"


def _never_ran(scenario: Any, run: RunContext) -> tuple[str, str]:
    """Return status and reason of a scenario that never ran: an earlier hook failed (error) or the run was ended early
    (skipped)."""
    element = scenario.parent
    while element is not None:
        if getattr(element, "hook_failed", False):
            return "error", f"not run: a hook of the {element.type} failed"
        element = element.parent
    failed_start = next((error for error in run.suite_errors if error.where == "before_all"), None)
    if failed_start is not None:
        return "error", f"not run: {failed_start}"
    return "skipped", f"not run: {run.interrupted or 'the run was stopped early'}"


def _what_an_issue_may_excuse(scenario: Any, run: RunContext) -> list[str]:
    """Return the texts of the failed step and of the checks after it. Empty for failures that no issue may excuse:
    undefined steps, errors in other hooks or clean-ups, interruptions, inconclusive measurements."""
    troubles = run.scenario_troubles.get(id(scenario), [])
    bad = next((step for step in scenario.all_steps if step.status.name in _BAD_STEPS), None)
    nobodys = KeyboardInterrupt | Inconclusive
    if bad is None or bad.status.name not in ("failed", "error") or isinstance(bad.exception, nobodys):
        return []
    if any(error.where != "after_scenario" for error in troubles):
        return []
    return [_failure_text(bad, run), *(error.message for error in troubles)]


def _step_result(step: Any, run: RunContext) -> StepResult:
    word = step.status.name
    return StepResult(
        keyword=str(step.keyword),
        name=str(step.name),
        status=_STEP_WORDS.get(word, word),
        duration_s=round(float(step.duration), 6),
        error=_error_text(step, run) if word in _BAD_STEPS else None,
        table=_table(step.table, run) if step.table is not None else None,
        text=run.redact(str(step.text)) if step.text is not None else None,
    )


def _row(scenario: Any) -> dict[str, str]:
    """Return the cells of an outline's row. behave stores the row in a private attribute only."""
    row = getattr(scenario, "_row", None)
    return {} if row is None else {str(key): str(cell) for key, cell in zip(row.headings, row.cells, strict=True)}


def _table(table: Any, run: RunContext) -> list[list[str]]:
    rows = [list(table.headings), *(list(row.cells) for row in table.rows[:_TABLE_ROWS])]
    if len(table.rows) > _TABLE_ROWS:
        rows.append([f"and {len(table.rows) - _TABLE_ROWS} more rows"])
    return [[run.redact(str(cell)) for cell in row] for row in rows]


def _failure_text(step: Any, run: RunContext) -> str:
    return f"{step.keyword} {step.name}: {_error_text(step, run)}"


def _error_text(step: Any, run: RunContext) -> str:
    word = step.status.name
    if word == "undefined":
        return "no step definition matches this text"
    if word == "pending":
        return "the step is not implemented yet"
    if step.exception is None:
        return run.redact(step.error_message or f"the step ended as {word}")
    return run.redact(exception_text(step.exception))


def exception_text(exception: BaseException) -> str:
    """Return the message of an exception, after its class name unless it is an assertion.

    All that decides nothing is named alike, so that no report takes it for a defect.
    """
    if isinstance(exception, KeyboardInterrupt):
        return "interrupted"
    text = str(exception).strip()
    if isinstance(exception, AssertionError):
        return text or "an assertion without a text"
    name = Inconclusive.__name__ if isinstance(exception, Inconclusive) else type(exception).__name__
    return f"{name}: {text}" if text else name
