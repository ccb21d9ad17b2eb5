"""Writes JUnit XML from the run record: a testsuite for each area, and a testcase for errors outside of scenarios.

behave's own JUnit report is switched off: it omits rules and skip reasons, and stays green when a hook fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from support.files import write_atomically
from support.reporting.record.model import Record, ScenarioResult

SUITE_CASE = "suite: hooks, clean-up and leftovers"
# Characters that XML 1.0 cannot contain, even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(record: Record, directory: Path) -> Path:
    """Write `junit.xml` and return its path."""
    path = directory / "junit.xml"
    write_atomically(path, junit_xml(record))
    return path


def junit_xml(record: Record) -> str:
    """Return the record as JUnit XML. Known issues count as skipped, unexpected passes as failures."""
    root = ElementTree.Element("testsuites", {"name": xml_text(f"focus-acceptance {record.environment}")})
    areas: dict[str, list[ScenarioResult]] = {}
    for scenario in record.scenarios:
        areas.setdefault(area_of(scenario), []).append(scenario)
    for area, scenarios in areas.items():
        _add_suite(root, area, scenarios, record)
    _add_suite_case(root, record)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{record.duration_s:.3f}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def area_of(scenario: ScenarioResult) -> str:
    """Return the folder of the feature, such as `job_lifecycle`. It does not depend on the path given to behave."""
    return PurePosixPath(scenario.feature).parent.name or "features"


def xml_text(text: str) -> str:
    """Replace each character that XML cannot contain with a visible escape, such as `\\x1b`."""
    return _NOT_XML.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def _add_suite(root: ElementTree.Element, area: str, scenarios: Sequence[ScenarioResult], record: Record) -> None:
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": xml_text(area),
            "tests": str(len(scenarios)),
            "failures": str(sum(scenario.status in ("failed", "unexpected_pass") for scenario in scenarios)),
            "errors": str(sum(scenario.status == "error" for scenario in scenarios)),
            "skipped": str(sum(scenario.status in ("skipped", "known_issue") for scenario in scenarios)),
            "time": f"{sum(scenario.duration_s for scenario in scenarios):.3f}",
            "timestamp": record.started.replace(microsecond=0).isoformat(),
        },
    )
    for scenario in scenarios:
        _add_case(suite, area, scenario)


def _add_case(suite: ElementTree.Element, area: str, scenario: ScenarioResult) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": xml_text(f"{area}.{scenario.feature_name}"),
            "name": xml_text(f"{scenario.id} {scenario.name}"),
            "file": xml_text(scenario.feature),
            "line": str(scenario.line),
            "time": f"{scenario.duration_s:.3f}",
        },
    )
    kind = {
        "failed": "failure",
        "unexpected_pass": "failure",
        "error": "error",
        "skipped": "skipped",
        "known_issue": "skipped",
    }.get(scenario.status)
    if kind is None:
        return
    reason = scenario.reason or "no reason given"
    attributes = {"message": xml_text(reason.splitlines()[0])}
    if kind != "skipped":
        attributes["type"] = scenario.status
    details = ElementTree.SubElement(case, kind, attributes)
    details.text = xml_text("\n".join([reason, f"{scenario.feature}:{scenario.line}", *scenario.evidence]))


def _add_suite_case(root: ElementTree.Element, record: Record) -> None:
    """Add a testcase that fails if the run is red for a reason that no scenario shows."""
    problems = record.suite_problems()
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": "suite",
            "tests": "1",
            "failures": "0",
            "errors": "1" if problems else "0",
            "skipped": "0",
            "time": "0.000",
        },
    )
    case = ElementTree.SubElement(suite, "testcase", {"classname": "suite", "name": SUITE_CASE, "time": "0.000"})
    if problems:
        error = ElementTree.SubElement(
            case, "error", {"message": xml_text(problems[0].splitlines()[0]), "type": "suite"}
        )
        error.text = xml_text("\n".join(problems))
    if record.looser_limits:
        ElementTree.SubElement(case, "system-out").text = xml_text("\n".join(record.looser_limits))
