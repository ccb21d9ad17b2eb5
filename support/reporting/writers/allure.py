"""Writes Allure results from the run record, with Allure's own model.

allure-behave's formatter works during the run instead. It misses what is known only at the end (failing hooks and
clean-ups, scenarios that never started, skip reasons) and everything inside a Rule.
"""

from __future__ import annotations

import csv
import io
import json
import os
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Attachment, Label, Link, Parameter, StatusDetails, TestResult, TestStepResult
from allure_commons.utils import md5

from support.files import write_atomically
from support.reporting.facts import area_title, inside_reports, short_facts, ticket_url, tickets
from support.reporting.record.model import Record, ScenarioResult, StepResult
from support.reporting.writers.junit import SUITE_CASE, area_of

FOLDER = "allure-results"
SEVERITIES = {"smoke": "critical", "journey": "critical", "negative": "minor", "backlog": "trivial"}
"""Tag -> Allure's severity; the first match applies, and the default is normal. Basic functions are critical, a bad
request that is not refused is minor in comparison, and a function that is not built yet is trivial."""
_STATUSES = {
    "passed": "passed",
    "failed": "failed",
    "unexpected_pass": "failed",
    "error": "broken",
    "skipped": "skipped",
    "known_issue": "skipped",
}
_STEP_STATUSES = {"passed": "passed", "failed": "failed", "skipped": "skipped"}
_TITLES = {
    ".jobs.yaml": "Description of the jobs",
    ".events.txt": "Events of the cluster",
    ".logs.txt": "Logs of the pods",
    ".txt": "Requests and answers",
}
_KINDS = {".html": "text/html", ".json": "application/json"}
"""Media types of evidence that is not plain text. They are listed here because guesses from a file name depend on the
machine, its Python and its packages."""
# Version 2 matches the whole message. Version 3 uses JavaScript syntax: no flags, and a dot does not match a new line.
_CATEGORIES = (
    {
        "name": "Known issues",
        "matchedStatuses": ["skipped"],
        "messageRegex": r"[A-Z]+-\d+: [\s\S]*\(known until [\s\S]*",
    },
    {"name": "Not run", "matchedStatuses": ["skipped"]},
    {"name": "Known issues that pass", "matchedStatuses": ["failed"], "messageRegex": r"passed although [\s\S]*"},
    {"name": "The requirement does not hold", "matchedStatuses": ["failed"]},
    {
        "name": "Hooks, clean-up and leftovers",
        "matchedStatuses": ["broken"],
        "messageRegex": r"([\s\S]*\n)?(before_|after_|clean-up|left over|not run: )[\s\S]*",
    },
    {"name": "Could not be judged", "matchedStatuses": ["broken"]},
)


def write_allure(record: Record, reports: Path) -> Path:
    """Write ``allure-results/`` beside the record, replacing earlier results, and return the folder."""
    folder = reports / FOLDER
    writer = _Writer(record, reports, AllureFileLogger(folder, clean=True))
    for scenario in record.scenarios:
        writer.write(scenario)
    writer.write_suite()
    _write(folder / "environment.properties", _properties(short_facts(record) | _looser(record)))
    _write(folder / "categories.json", json.dumps(_CATEGORIES, indent=2) + "\n")
    _write(folder / "executor.json", json.dumps(_executor(record), indent=2) + "\n")
    return folder


class _Writer:
    """Writes one result for each scenario, and one for the errors that belong to none."""

    def __init__(self, record: Record, reports: Path, logger: AllureFileLogger) -> None:
        self._record = record
        self._reports = reports
        self._logger = logger

    def write(self, scenario: ScenarioResult) -> None:
        started = scenario.started or self._record.started
        result = TestResult(
            uuid=str(uuid.uuid4()),
            name=f"{scenario.id} {scenario.name}",
            fullName=scenario.id,
            # The id never changes, so that a new title or another file does not start a new history.
            historyId=md5(scenario.id),
            testCaseId=md5(scenario.id.split(".")[0]),
            status=_STATUSES[scenario.status],
            stage="finished",
            description=f"{scenario.feature}:{scenario.line}",
            start=_milliseconds(started),
            stop=_milliseconds(started + timedelta(seconds=scenario.duration_s)),
            labels=list(self._labels(scenario)),
            links=self._links(scenario),
            parameters=[Parameter(name=name, value=value) for name, value in scenario.row.items()],
            titlePath=[
                area_title(area_of(scenario)),
                scenario.feature_name,
                *([scenario.rule] if scenario.rule else []),
            ],
            steps=list(self._steps(scenario, started)),
            attachments=list(self._evidence(scenario)),
        )
        if scenario.reason is not None:
            result.statusDetails = StatusDetails(message=scenario.reason, known=scenario.status == "known_issue")
        self._logger.report_result(result)

    def write_suite(self) -> None:
        """Write one result for the errors that made the run red but belong to no scenario, if there are any."""
        problems = self._record.suite_problems()
        if not problems:
            return
        details = StatusDetails(message="\n".join(problems))
        labels = [Label("epic", "The run itself"), Label("severity", "blocker")]
        start, stop = _milliseconds(self._record.started), _milliseconds(self._record.finished)
        result = TestResult(str(uuid.uuid4()), fullName=SUITE_CASE, historyId=md5(SUITE_CASE), labels=labels)
        result.name, result.status, result.statusDetails = SUITE_CASE, "broken", details
        result.stage, result.start, result.stop = "finished", start, stop
        self._logger.report_result(result)

    def _labels(self, scenario: ScenarioResult) -> Iterator[Label]:
        area = area_title(area_of(scenario))
        yield Label("framework", "behave")
        yield Label("language", "python")
        yield from (Label("epic", area), Label("parentSuite", area))
        yield from (Label("feature", scenario.feature_name), Label("suite", scenario.feature_name))
        if scenario.rule:
            yield from (Label("story", scenario.rule), Label("subSuite", scenario.rule))
        yield Label("severity", next((word for tag, word in SEVERITIES.items() if tag in scenario.tags), "normal"))
        yield Label("package", scenario.feature)
        if scenario.requirement:
            yield Label("requirement", scenario.requirement)
        yield from (Label("tag", tag) for tag in scenario.tags)

    def _links(self, scenario: ScenarioResult) -> list[Link]:
        """Return links to the tickets of requirements, tests and a known issue. Tickets without a URL are left out."""
        keys = [("issue", key) for key in tickets(scenario, "REQ")] + [
            ("tms", key) for key in tickets(scenario, "TEST")
        ]
        keys += [("issue", scenario.ticket)] if scenario.ticket else []
        urls = ((kind, key, ticket_url(self._record, key)) for kind, key in dict.fromkeys(keys))
        return [Link(type=kind, url=url, name=key) for kind, key, url in urls if url]

    def _steps(self, scenario: ScenarioResult, started: datetime) -> Iterator[TestStepResult]:
        """Yield the steps. behave measures their durations but not their start times, so they follow one another."""
        for step in scenario.steps:
            ended = started + timedelta(seconds=step.duration_s)
            result = TestStepResult(
                name=f"{step.keyword} {step.name}",
                status=_STEP_STATUSES.get(step.status, "broken"),
                stage="finished",
                start=_milliseconds(started),
                stop=_milliseconds(ended),
                attachments=list(self._arguments(step)),
            )
            if step.error is not None:
                result.statusDetails = StatusDetails(message=step.error)
            started = ended
            yield result

    def _arguments(self, step: StepResult) -> Iterator[Attachment]:
        if step.table is not None:
            buffer = io.StringIO()
            csv.writer(buffer).writerows(step.table)
            yield self._attached("Table", buffer.getvalue(), "text/csv", ".csv")
        if step.text is not None:
            yield self._attached("Text", step.text, "text/plain", ".txt")

    def _evidence(self, scenario: ScenarioResult) -> Iterator[Attachment]:
        for path in scenario.evidence:
            inside = inside_reports(path)
            file = self._reports / inside
            if ".." in inside.parts or not file.is_file():
                continue
            title = next((title for suffix, title in _TITLES.items() if inside.name.endswith(suffix)), inside.name)
            kind = _KINDS.get(inside.suffix, "text/plain")
            yield self._attached(title, file.read_text(encoding="utf-8"), kind, file.suffix)

    def _attached(self, name: str, text: str, kind: str, suffix: str) -> Attachment:
        source = f"{uuid.uuid4()}-attachment{suffix}"
        self._logger.report_attached_data(text, source)
        return Attachment(name=name, source=source, type=kind)


def _executor(record: Record) -> dict[str, str]:
    """Return the executor of the run: the job of GitHub Actions that this process belongs to, or a local run."""
    name = f"focus-acceptance on {record.environment}"
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return {"name": name, "type": "local", "reportName": name}
    server, repository = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    url = f"{server}/{repository}/actions/runs/{os.environ.get('GITHUB_RUN_ID', '')}"
    number = os.environ.get("GITHUB_RUN_NUMBER", "0")
    return {
        "name": name,
        "type": "github",
        "reportName": name,
        "buildName": f"{repository} #{number}",
        "buildOrder": number,
        "buildUrl": url,
    }


def _looser(record: Record) -> dict[str, str]:
    return {"looser_limits": "; ".join(record.looser_limits)} if record.looser_limits else {}


def _properties(facts: dict[str, str]) -> str:
    """Return facts as a Java properties file: printable ASCII unchanged, all other characters escaped."""
    lines = (f"{key.replace(' ', '_')}={_escaped(value)}" for key, value in facts.items())
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return "".join(
        letter if " " <= letter <= "~" else "".join(f"\\u{unit:04x}" for unit in _utf16(letter))
        for letter in value.replace("\\", "\\\\")
    )


def _utf16(letter: str) -> list[int]:
    encoded = letter.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _write(path: Path, text: str) -> None:
    write_atomically(path, text)
