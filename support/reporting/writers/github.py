"""Output for GitHub: a job summary in Markdown, and annotations at the lines of failed scenarios."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from support.files import write_atomically
from support.reporting.capacity_report import CapacityReport
from support.reporting.causes import FailureCause, causes_of, last_seen
from support.reporting.facts import area_title, inside_reports, short_facts, ticket_url, tickets
from support.reporting.first_steps import diagnosis_of, first_steps
from support.reporting.history.changes import ChangesSince
from support.reporting.record.model import STATUSES, Record, ScenarioResult, grouped_reasons
from support.reporting.text import WORDS, safe, verdict_sentence
from support.reporting.writers.junit import area_of

SUMMARY = "summary.md"
# GitHub shows ten annotations of each kind for a step, and refuses a summary over 1 MiB.
_ANNOTATIONS = 10
_FAILURES = 50
_REASON_LINES = 12
_LINE = 300
_SLOWEST = 5
_NEWS = 10
# Characters that could start markup, a link to an issue, or a mention.
_MARKDOWN = re.compile(r"([\\`*_\[\]#|~<>&@])")


def write_summary(
    record: Record, reports: Path, capacity: CapacityReport | None = None, changes: ChangesSince | None = None
) -> Path:
    """Write ``summary.md`` and return its path. ``changes`` are the changes since the last green run."""
    path = reports / SUMMARY
    write_atomically(path, summary(record, capacity, changes))
    return path


def append_summary(summary_file: Path, environment: Mapping[str, str]) -> None:
    """Append the summary to the job summary, if the job has one, and keep what is there."""
    target = environment.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(summary_file.read_text(encoding="utf-8") + "\n")


def summary(record: Record, capacity: CapacityReport | None = None, changes: ChangesSince | None = None) -> str:
    """Return the summary: the verdict, then new failures, the diagnosis, the facts, the failures, and the rest."""
    lines = [f"## {_text(verdict_sentence(record))}", ""]
    lines += _news(record, changes)
    lines += _diagnosis(record)
    if record.broken_on_purpose:
        lines += [f"**Changed on purpose:** {_text(record.broken_on_purpose)}", ""]
    lines += [f"- **{_text(sentence)}**" for sentence in record.looser_limits]
    lines += [f"- {_text(key.replace('_', ' '))}: {_text(value)}" for key, value in short_facts(record).items()]
    lines += [f"- {record.started:%Y-%m-%d %H:%M} UTC, {record.duration_s:.1f} s", ""]
    lines += _suite(record)
    lines += _first(record, capacity)
    lines += _failures(record)
    lines += _areas(record)
    if capacity is not None:
        lines += ["### Capacity", "", f"{_text(capacity.sentence)} (`{capacity.path.name}`)", ""]
    lines += _grouped(record, "known_issue", "Known issues")
    lines += _grouped(record, "skipped", "Skipped")
    lines += _slowest(record)
    return "\n".join(lines).rstrip() + "\n"


def workflow_commands(record: Record) -> Iterator[str]:
    """Yield annotations, one per line: an error for each failure, a warning for each known issue."""
    bad = [scenario for scenario in record.scenarios if scenario.is_bad]
    known = [scenario for scenario in record.scenarios if scenario.status == "known_issue"]
    for problem in record.suite_problems()[:_ANNOTATIONS]:
        yield f"::error title={_property('outside of the scenarios')}::{_message(problem)}"
    for kind, scenarios in (("error", bad), ("warning", known)):
        for scenario in scenarios[:_ANNOTATIONS]:
            place = f"file={_property(scenario.feature)},line={scenario.line}"
            title = _property(f"{scenario.id} {scenario.name}")
            yield f"::{kind} {place},title={title}::{_message(scenario.reason or 'no reason given')}"


def _diagnosis(record: Record) -> list[str]:
    found = diagnosis_of(record)
    if found is None:
        return []
    headline = f"**Diagnosis: layer {found.layer}.** {_text(found.cause)}."
    return [headline, "", f"- seen: {_text(found.seen)[:_LINE]}", f"- next: {_text(found.remedy)}", ""]


def _first(record: Record, capacity: CapacityReport | None) -> list[str]:
    steps = first_steps(record, capacity)
    if not steps:
        return []
    lines = []
    for number, step in enumerate(steps[:_FAILURES], 1):
        tickets = f" ({', '.join(map(_text, step.tickets))})" if step.tickets else ""
        lines.append(f"{number}. {_text(step.cause)}{tickets}: {_text(step.remedy)}")
    return ["### What to do first", "", *lines, ""]


def _suite(record: Record) -> list[str]:
    problems = record.suite_problems()
    if not problems:
        return []
    return ["### Outside of the scenarios", "", *(line for problem in problems for line in _fenced(problem)), ""]


def _news(record: Record, changes: ChangesSince | None) -> list[str]:
    """Return the failures of a red run that are new since the last green run, in at most ten lines."""
    if changes is None or record.verdict == "passed":
        return []
    names = {scenario.id: scenario.name for scenario in record.scenarios}
    new = changes.newly_failing
    lines = [
        f"New since the last green run ({changes.since.started:%Y-%m-%d %H:%M} UTC): {len(new)} fail that did not.",
        "",
    ]
    for cause in causes_of(record):
        ids = [scenario.id for scenario in cause.scenarios if scenario.id in new]
        if ids:
            others = f" and {len(ids) - 1} more with the same cause" if len(ids) > 1 else ""
            line = f"{_text(ids[0])} {_text(names[ids[0]])}{others}: {_text(last_seen(cause.first))}"
            lines.append(f"- {line[:_LINE]}")
    if len(lines) > _NEWS:
        lines = [*lines[: _NEWS - 1], f"- and {len(lines) - _NEWS + 1} more causes below"]
    return [*lines, ""]


def _failures(record: Record) -> list[str]:
    """Return each cause once, the lowest layer first, and one line for each further scenario."""
    causes = causes_of(record)
    if not causes:
        return []
    lines = ["### What failed", ""]
    for cause in causes[:_FAILURES]:
        scenario = cause.first
        lines.append(f"#### {_text(scenario.id)} {_text(scenario.name)}")
        if scenario.rule:
            lines += ["", _text(scenario.rule)]
        lines += ["", *_fenced(scenario.reason or "no reason given"), "", _places(record, scenario), ""]
        lines += _further(cause)
    if len(causes) > _FAILURES:
        lines += [f"and {len(causes) - _FAILURES} more, in the record of the run", ""]
    return lines


def _further(cause: FailureCause) -> list[str]:
    if not cause.further:
        return []
    lines = [f"- {_text(one.id)} {_text(one.name)}" for one in cause.further[:_FAILURES]]
    if len(cause.further) > _FAILURES:
        lines.append(f"- and {len(cause.further) - _FAILURES} more, in the record of the run")
    return [f"The same was seen in {len(cause.further)} more:", "", *lines, ""]


def _places(record: Record, scenario: ScenarioResult) -> str:
    parts = [f"`{scenario.feature}:{scenario.line}`"]
    for key in tickets(scenario, "REQ") + tickets(scenario, "TEST"):
        url = ticket_url(record, key)
        parts.append(f"[{key}]({url})" if url else key)
    return ", ".join(parts + [f"`{inside_reports(path)}`" for path in scenario.evidence])


def _areas(record: Record) -> list[str]:
    areas: dict[str, list[ScenarioResult]] = {}
    for scenario in record.scenarios:
        areas.setdefault(area_of(scenario), []).append(scenario)
    shown = [status for status in STATUSES if record.counts()[status]]
    if not shown:
        return []
    titles = ["area", *(WORDS.get(status, status) for status in shown), "seconds"]
    rows = ["| " + " | ".join(titles) + " |", "|" + " --- |" + " ---: |" * (len(titles) - 1)]
    for area, scenarios in areas.items():
        counts = [sum(scenario.status == status for scenario in scenarios) for status in shown]
        seconds = sum(scenario.duration_s for scenario in scenarios)
        cells = [_text(area_title(area)), *(str(count or "") for count in counts), f"{seconds:.1f}"]
        rows.append("| " + " | ".join(cells) + " |")
    return ["### By area", "", *rows, ""]


def _grouped(record: Record, status: str, title: str) -> list[str]:
    groups = grouped_reasons(record.scenarios, status)
    if not groups:
        return []
    lines = [f"- {_text(reason.splitlines()[0])}: {', '.join(map(_text, ids))}" for reason, ids in groups.items()]
    return [f"### {title}", "", *lines, ""]


def _slowest(record: Record) -> list[str]:
    ran = sorted((scenario for scenario in record.scenarios if scenario.ran), key=lambda one: -one.duration_s)
    if not ran:
        return []
    lines = [f"- {one.duration_s:.1f} s {_text(one.id)} {_text(one.name)}" for one in ran[:_SLOWEST]]
    return ["### Slowest", "", *lines, ""]


def _text(text: str) -> str:
    """Escape a text as one line of Markdown, so that no part of a name is interpreted as markup."""
    return _MARKDOWN.sub(r"\\\1", safe(" ".join(text.split())))


def _fenced(text: str) -> list[str]:
    """Return a fenced code block with the text. Its fence is longer than any run of backticks in the text."""
    lines = [safe(line)[:_LINE] for line in text.splitlines()]
    if len(lines) > _REASON_LINES:
        lines = [*lines[:_REASON_LINES], f"... and {len(lines) - _REASON_LINES} more lines"]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
