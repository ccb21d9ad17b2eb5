"""The curves of a load over time: they match the recorded data, and the table is readable without the picture."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.capacity.load.results import JobRecord
from support.capacity.report.curve_charts import Chart, charts_of, render_load, round_top
from support.capacity.report.curves import SLICES, OpeningMoments, Throughput, curves, curves_of_step, throughput_of
from support.capacity.report.gap_page import render
from support.capacity.report.gap_report import build_report
from support.capacity.report.store import Reports
from tests.support.capacity.canned_runs import RUNS, success

POINTS = [Throughput(1, 10, 0.1), Throughput(40, 200, 0.12), Throughput(160, 180, 0.5)]
OPENINGS = [
    OpeningMoments(0.0, 1.0, 2.0, 10.0),
    OpeningMoments(0.0, 2.0, 3.0, 11.0),
    OpeningMoments(4.0, 12.0, None, None),
    OpeningMoments(6.0),
]


def found() -> dict:
    return curves(OPENINGS, 5000.0, POINTS)


def test_open_is_what_runs_and_is_not_gone() -> None:
    assert found()["open"] == [
        {"at_s": 0.0, "jobs": 0}, {"at_s": 2.0, "jobs": 1}, {"at_s": 3.0, "jobs": 2}, {"at_s": 10.0, "jobs": 1},
        {"at_s": 11.0, "jobs": 0}, {"at_s": 12.0, "jobs": 0},
    ]  # fmt: skip


def test_an_answer_stands_where_it_came_with_the_time_that_it_took() -> None:
    assert found()["answers"] == [
        {"at_s": 1.0, "ms": 1000.0},
        {"at_s": 2.0, "ms": 2000.0},
        {"at_s": 12.0, "ms": 8000.0},
    ]


def test_the_table_adds_up_to_the_curves() -> None:
    slices = found()["slices"]
    assert len(slices) == SLICES and (slices[0]["from_s"], slices[-1]["to_s"]) == (0.0, 12.0)
    assert sum(part["asked"] for part in slices) == 4 and sum(part["answered"] for part in slices) == 3
    assert [part["most_open"] for part in slices] == [0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 1, 0]
    assert (slices[-1]["p95_ms"], slices[-1]["max_ms"], slices[5]["p95_ms"]) == (8000.0, 8000.0, None)


def test_the_knee_is_the_greatest_throughput_by_the_fastest_answer() -> None:
    assert found()["knee"] == 20.0
    assert curves(OPENINGS, 5000.0, [None])["knee"] is None


def test_throughput_and_concurrency_of_a_load_that_was_asked_for_together() -> None:
    assert throughput_of(OPENINGS[:2]) == Throughput(1.5, 1.0, 1.0)
    assert throughput_of([OpeningMoments(0.0)]) is None


def test_a_record_of_a_load_is_open_from_running_until_its_port_is_free() -> None:
    record = JobRecord(1, 100.0, 100.0, 200, "", reached={"answered": 0.5, "running": 1.0}, port_free_s=4.0)
    step = replace(success().step, records=(record, replace(record, number=2, intended_s=101.0, port_free_s=None)))
    assert curves_of_step(step, 300.0, [])["open"] == [
        {"at_s": 0.0, "jobs": 0}, {"at_s": 1.0, "jobs": 1}, {"at_s": 2.0, "jobs": 2}, {"at_s": 4.0, "jobs": 1},
        {"at_s": 4.0, "jobs": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(("values", "top"), [([], 1.0), ([0.0], 1.0), ([0.3], 0.5), ([200], 200), ([201], 250.0)])
def test_an_axis_ends_at_a_round_number(values: list[float], top: float) -> None:
    assert round_top(values) == top


def test_what_is_late_is_another_colour_and_the_sentence_says_how_many() -> None:
    _, answers, throughput = charts_of(found())
    assert answers.told == "3 answers, 1 of them after more than 5000 ms; 1 never opened."
    page = render_load("Steady", "sandbox", "2026-11-27T10:00:00+00:00", found())
    (picture,) = re.findall(r'<svg[^>]*aria-labelledby="answers-title.*?</svg>', page, re.DOTALL)
    assert picture.count('class="missed"') == 1 and picture.count('class="opened"') == 2
    assert throughput.mark == (20.0, "knee: 20") and "knee: 20" in page


def test_a_stepped_line_goes_on_at_its_height_until_it_changes() -> None:
    chart = Chart("a", "", "", "", "", [(0, 0), (5, 10), (10, 10)], stepped=True)
    assert chart.path == "52.0,180.0 336.0,180.0 336.0,16.0 620.0,16.0 620.0,16.0"


def test_every_picture_has_a_title_a_description_and_a_table_beside_it() -> None:
    page = render_load("Steady <b>", "sandbox", "2026-11-27T10:00:00+00:00", found())
    assert "<h1>Steady &lt;b&gt;</h1>" in page
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        tree = ElementTree.fromstring(picture)
        named = tree.attrib["aria-labelledby"].split()
        told = [each for each in tree if each.tag in ("title", "desc")]
        assert [each.attrib["id"] for each in told] == named and all((each.text or "").strip() for each in told)
        numbers = [float(value) for each in tree for key, value in each.attrib.items() if key in ("x", "y", "cx", "cy")]
        assert min(numbers) >= 0 and max(numbers) <= 640
    assert len(re.findall(r"<caption>", page)) == 2 and page.count("<tr>") == 2 + SLICES + 3


@pytest.mark.parametrize("name", RUNS)
def test_the_page_of_a_measurement_has_the_curves_of_its_load(name: str) -> None:
    report = build_report(RUNS[name]())
    page = render(report)
    assert ("<h2>Over time</h2>" in page) is (report["curves"] is not None) is (report["result"] is not None)


def test_the_curves_of_a_load_lie_with_the_evidence_of_its_scenario(tmp_path: Path) -> None:
    reports = Reports(tmp_path, {}, "unknown")
    path = reports.write_curves("Investigations opened in a rush", "site", found())
    assert path.parent == tmp_path / "evidence" and reports.used == [path]
    assert re.fullmatch(r"load_curves_site-investigations-opened-in-a-rush_\d{8}T\d{6}Z\.html", path.name)
    assert "Jobs open over time" in path.read_text(encoding="utf-8")


def test_a_load_of_another_kind_tells_nothing_of_the_capacity_of_the_site(tmp_path: Path) -> None:
    reports = Reports(tmp_path, {}, "unknown")
    run = success()
    as_evidence = reports.write(run, None)
    assert {path.parent.name for path in as_evidence} == {"evidence"}
    assert {path.parent for path in reports.write(run, run.target.jobs)} == {tmp_path}
