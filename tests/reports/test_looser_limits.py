"""A limit looser than the requirement is shown with the result in each report."""

from __future__ import annotations

from pathlib import Path

import a_record

from support.reporting.publish import publish
from support.reporting.record.model import write_record
from support.reporting.record.reading import read_record
from support.reporting.text import Painter, summary_lines

ROOT = Path(__file__).resolve().parents[2]
SENTENCE = "judged by a limit of 800 ms, the requirement is 300 ms (limits.configure_p95_ms)"
PLACES = (
    "run.json",
    "summary.md",
    "site/index.html",
    "junit.xml",
    "xray.json",
    "allure-results/environment.properties",
)


def test_every_report_tells_it(tmp_path: Path) -> None:
    record = a_record.record(a_record.scenario(), looser_limits=[SENTENCE])
    write_record(record, tmp_path)
    problems = [one.problem for one in publish(record, tmp_path, ROOT / "features", tmp_path) if one.problem]
    assert problems == []
    plain = {name: (tmp_path / name).read_text().replace("\\", "") for name in PLACES}
    assert [name for name, text in plain.items() if SENTENCE not in text] == []
    assert read_record(tmp_path / "run.json").looser_limits == [SENTENCE]
    assert f"  - {SENTENCE}" in list(summary_lines(record, Painter(False, None), "reports"))


def test_what_is_required_is_not_mentioned(tmp_path: Path) -> None:
    record = a_record.record(a_record.scenario())
    publish(record, tmp_path, ROOT / "features", tmp_path)
    assert [name for name in PLACES[1:] if "ooser" in (tmp_path / name).read_text()] == []
