"""Each report shows how the run ended: nothing is green if the run is red, and no secret is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from behave_project import ROOT, Outcome, checks
from endings import ENDINGS, SECRET, Ending
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from site_pages import problems_of, read_site

from support.reporting.compare import compare, run_at
from support.reporting.history import read_history
from support.reporting.writers.bundle import write_bundle

XRAY = ROOT / "support" / "reporting" / "xray.schema.json"
JUDGED = [ending for ending in ENDINGS if ending.code != 2]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Any]]]:
    """The selected endings, run two at a time, as each mostly waits for its own start."""
    calls = (getattr(item, "callspec", None) for item in request.session.items if item.path == request.path)
    wanted = {call.params["ended"] for call in calls if call is not None and "ended" in call.params}
    with ThreadPoolExecutor(2) as pool:
        yield {
            ending.what: pool.submit(_run, ending, tmp_path_factory.mktemp("ending"))
            for ending in JUDGED
            if ending.what in wanted
        }


def _run(ending: Ending, folder: Path) -> tuple[Ending, Outcome, Path]:
    return ending, ending.run(folder), folder / "reports"


@pytest.fixture(scope="module", params=[ending.what for ending in JUDGED])
def ended(request: pytest.FixtureRequest, runs: dict[str, Future[Any]]) -> Any:
    return runs[request.param].result()


def results(reports: Path) -> list[dict[str, Any]]:
    files = (reports / "allure-results").glob("*-result.json")
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def heading(outcome: Outcome) -> str:
    """The first word of a report: an interrupted run is red, and gives the interruption first."""
    if outcome.checked["interrupted"]:
        return "INTERRUPTED"
    return "FAILED" if is_red(outcome) else "PASSED"


def is_red(outcome: Outcome) -> bool:
    return outcome.checked["verdict"] == "failed"


def test_the_exit_code_follows_the_verdict(ended: tuple[Ending, Outcome, Path]) -> None:
    ending, outcome, _ = ended
    assert (outcome.code == 0) == (not is_red(outcome)), outcome.out + outcome.err
    if ending.code is not None:
        assert outcome.code == ending.code, outcome.out + outcome.err
    if "parsed" not in ending.what:
        assert "Traceback" not in outcome.err


def test_every_report_is_there(ended: tuple[Ending, Outcome, Path]) -> None:
    ending, outcome, reports = ended
    names = {path.name for path in reports.iterdir()}
    wanted = {"run.json", "junit.xml", "summary.md", "metrics.prom", "xray.json", "features.zip", "allure-results"}
    assert wanted <= names, outcome.err
    if "parsed" not in ending.what:
        assert (reports / "site" / "index.html").is_file()
        assert "report " not in outcome.err


def test_the_history_has_the_run_as_it_ended(ended: tuple[Ending, Outcome, Path]) -> None:
    _, outcome, reports = ended
    history = read_history(reports / "history")
    assert history.unreadable == ()
    [entry] = history.entries
    told = [(one["id"], one["status"]) for one in outcome.checked["scenarios"]]
    assert [(name, seen.status) for name, seen in entry.scenarios.items()] == list(dict(told).items())
    assert entry.verdict == outcome.checked["verdict"]
    assert (entry.ended == "interrupted") == (outcome.checked["interrupted"] is not None)


def test_every_page_of_the_site_is_well_formed_and_without_a_stack_trace(ended: tuple[Ending, Outcome, Path]) -> None:
    _, outcome, reports = ended
    if (reports / "site").is_dir():
        pages = read_site(reports / "site")
        assert problems_of(reports / "site", pages) == []
        assert pages["index.html"].heading_texts()[0].startswith("Failed" if is_red(outcome) else "Passed")
        for name, page in pages.items():
            assert "Traceback" not in page.text, name
            assert page.tags.count("script") == 1, name


def test_a_bundle_and_a_comparison_can_be_made_of_it(ended: tuple[Ending, Outcome, Path]) -> None:
    _, outcome, reports = ended
    record = run_at(reports)
    archive = write_bundle(record, reports, "summary")
    assert run_at(archive).as_json() == record.as_json()
    archive.unlink()
    assert not compare(record, record).is_worse


def test_junit_is_red_when_the_run_is_red(ended: tuple[Ending, Outcome, Path]) -> None:
    ending, outcome, reports = ended
    root = ElementTree.parse(reports / "junit.xml").getroot()
    assert (int(root.get("failures", 0)) + int(root.get("errors", 0)) > 0) == is_red(outcome)
    for kind in ("failure", "error", "skipped"):
        found = list(root.iter(kind))
        assert len(found) == int(root.get({"failure": "failures", "error": "errors"}.get(kind, kind), "0"))
        assert all(element.get("message") for element in found)
    assert ending.told in _text(root)


def _text(root: ElementTree.Element) -> str:
    return "".join(element.get("message", "") + (element.text or "") for element in root.iter())


def test_allure_is_red_when_the_run_is_red(ended: tuple[Ending, Outcome, Path]) -> None:
    ending, outcome, reports = ended
    found = results(reports)
    assert any(result["status"] in ("failed", "broken") for result in found) == is_red(outcome)
    names = sorted(result["fullName"] for result in found if not result["fullName"].startswith("suite:"))
    assert names == sorted(entry["id"] for entry in outcome.checked["scenarios"])
    assert ending.told in "\n".join(result.get("statusDetails", {}).get("message", "") for result in found)
    for result in found:
        assert result["start"] <= result["stop"]
        for step in result.get("steps", []):
            assert step["status"] in ("passed", "failed", "broken", "skipped")


def test_xray_takes_the_results(ended: tuple[Ending, Outcome, Path]) -> None:
    ending, outcome, reports = ended
    content = json.loads((reports / "xray.json").read_text(encoding="utf-8"))
    checks(XRAY).validate(content)
    bad = any(entry["status"] in ("failed", "error", "unexpected_pass") for entry in outcome.checked["scenarios"])
    known = any(entry["status"] == "known_issue" for entry in outcome.checked["scenarios"])
    assert any(test["status"] == "FAILED" for test in content["tests"]) == (bad or known)
    assert content["info"]["description"].startswith(heading(outcome))
    assert ending.told in json.dumps(content, ensure_ascii=False)


def test_the_summary_begins_with_the_verdict_and_gives_the_reason(ended: tuple[Ending, Outcome, Path]) -> None:
    ending, outcome, reports = ended
    text = (reports / "summary.md").read_text(encoding="utf-8")
    assert text.startswith(f"## {heading(outcome)}")
    assert ending.told in text.replace("\\", "")
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<" not in re.sub(r"\\<|`[^`\n]*`", "", outside), "markup of a name would be obeyed"


def test_the_metrics_tell_the_verdict(ended: tuple[Ending, Outcome, Path]) -> None:
    _, outcome, reports = ended
    text = (reports / "metrics.prom").read_text(encoding="utf-8")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["focus_acceptance_run_passed"].samples[0].value == float(not is_red(outcome))


def test_nothing_secret_is_written_or_printed(ended: tuple[Ending, Outcome, Path]) -> None:
    _, outcome, reports = ended
    assert SECRET not in outcome.out + outcome.err
    for path in reports.rglob("*"):
        # The archive holds the features as committed, and one of these endings commits a secret.
        if path.is_file() and path.name != "features.zip":
            # The site shows the text of the feature itself.
            text = path.read_text(encoding="utf-8", errors="replace")
            assert SECRET not in text or "site" in path.parts, path


def test_a_configuration_that_cannot_be_used_leaves_one_sentence_and_no_other_report(tmp_path: Path) -> None:
    ending = next(ending for ending in ENDINGS if ending.code == 2)
    outcome = ending.run(tmp_path)
    assert (outcome.code, outcome.err) == (2, "environments/x.yaml: limits: unknown key\n")
    assert not (tmp_path / "reports" / "site").exists()
    assert not (tmp_path / "reports" / "summary.md").exists()
