"""Earlier runs on the site: requirements by environment, trends, flakiness, and the drawing of charts."""

from __future__ import annotations

import csv
import datetime
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from site_history import kept_run, kept_runs
from site_pages import Page, problems_of, read_site
from site_project import NOW, SiteProject, result, trouble

from support.gherkin.requirements import read_requirements
from support.reporting.history import append, entry_of, read_history
from support.reporting.record.model import Record, Selection
from support.reporting.site.charts import Point, chart, number
from support.reporting.site.trends import comparable, trends_of


@pytest.fixture
def project(tmp_path: Path) -> SiteProject:
    return SiteProject(tmp_path)


def text(site: Path, name: str) -> str:
    return Page(site / name).text


def test_each_requirement_has_its_last_verdict_on_each_environment(project: SiteProject) -> None:
    history = project.reports / "history"
    kept_run(history, 9, "production", result("JL-01a", "failed"))
    kept_run(history, 8, "production", result("JL-01a"))
    kept_run(history, 7, "production", result("PV-04b", "failed"), result("JL-01a", "skipped"))
    kept_run(history, 2, "sandbox", result("JL-01a", "failed"))
    site = project.make(result("JL-01a"))
    told = text(site, "requirements.html")
    assert "Requirement Rules and examples staging sandbox production" in told
    last = "passed 1 of 2 not run this run failed 1 of 1 2 Mar 2026, 05:06 passed 24 Feb 2026, 05:06"
    assert f"1 fault breaks it {last}" in told
    assert "failed 1 of 1 25 Feb 2026, 05:06" in told.partition("PV-04")[2]
    assert problems_of(site) == []


def test_a_requirement_that_was_not_run_now_shows_its_last_verdict_here(project: SiteProject) -> None:
    kept_run(project.reports / "history", 3, "staging", result("PV-04b", "failed"))
    told = text(project.make(result("JL-01a")), "requirements.html")
    assert "failed 1 of 1 1 Mar 2026, 05:06" in told.partition("PV-04")[2]


def test_a_run_that_could_not_begin_has_no_verdict_over_anything(project: SiteProject) -> None:
    history = project.reports / "history"
    kept_run(history, 4, "sandbox", result("JL-01a"))
    kept_run(history, 3, "sandbox", result("JL-01a", "error"), suite_errors=[trouble("no cluster")])
    told = text(project.make(result("JL-01a")), "requirements.html")
    assert "not run this run passed 28 Feb 2026, 05:06" in told


def test_tickets_are_links_where_the_environment_says_where_they_are(project: SiteProject) -> None:
    def addresses(site: Path) -> list[str]:
        return [link for page in site.glob("*.html") for link in Page(page).addresses if "PZ-" in link]

    assert addresses(project.make(result())) == []
    identity = {"tickets_url": "https://tickets.invalid/browse"}
    site = project.make(result(), fingerprint={"configuration": {"identity": identity}})
    assert set(addresses(site)) == {f"https://tickets.invalid/browse/PZ-{n}" for n in (13899, 2, 13670, 13869)}


def test_the_start_page_counts_the_runs_before_this_one(project: SiteProject) -> None:
    kept_runs(project.reports / "history", 12, "staging")
    append(project.reports / "history", entry_of(Record("staging", NOW, NOW, 1, [result()])))
    assert "Of the 10 runs before it here, 8 passed: trends" in text(project.make(result()), "index.html")


def test_without_a_history_the_pages_say_so(project: SiteProject) -> None:
    site = project.make(result())
    assert "There is no history of runs here yet." in text(site, "trends.html")
    assert "before it here" not in text(site, "index.html")


def test_trends_are_charts_with_a_sentence_and_a_table_for_each_environment(project: SiteProject) -> None:
    kept_runs(project.reports / "history", 30, "staging")
    kept_runs(project.reports / "history", 2, "sandbox")
    site = project.make(result())
    page = Page(site / "trends.html")
    assert [name for name in page.heading_texts() if name in ("staging", "sandbox")] == ["staging", "sandbox"]
    assert "30 runs: last 61 s, median 63 s, least 60 s, most 66 s." in page.text
    assert "30 runs: last 210 ms" in page.text
    assert "30 runs: last 0, median 0, least 0, most 1." in page.text
    assert "Flaky: 1 of 2 examples did not always end the same way in 30 runs of 0123456789" in page.text
    assert "JL-01b : 24 passed, 6 failed" in page.text
    assert "3 Mar 2026, 05:06 passed 2 0 1 minute 1 second 0123456789" in page.text
    assert problems_of(site) == []


def test_what_fails_every_time_is_no_flake_and_is_said(project: SiteProject) -> None:
    for day in (1, 2):
        kept_run(project.reports / "history", day, "staging", result("JL-01a"), result("JL-01b", "failed"))
    told = text(project.make(result()), "trends.html")
    assert "The verdicts hold: 2 examples ended the same way in all 2 runs" in told
    assert "Failing every time: JL-01b ." in told


def test_a_damaged_run_is_said_on_the_page(project: SiteProject) -> None:
    kept_runs(project.reports / "history", 2, "staging")
    (project.reports / "history" / "x.json").write_text("{", encoding="utf-8")
    assert "A run is missing here: x.json: not an entry of the history" in text(project.make(result()), "trends.html")


def test_charts_leave_out_what_cannot_be_compared_and_say_so(tmp_path: Path) -> None:
    full = [result(f"JL-0{n}a") for n in range(1, 10)]
    kept_run(tmp_path, 5, "staging", *full)
    kept_run(tmp_path, 4, "staging", full[0])
    kept_run(tmp_path, 3, "staging", *full, interrupted="the run was interrupted")
    kept_run(tmp_path, 2, "staging", *full[:8])
    [one] = trends_of(read_history(tmp_path), Record("staging", NOW, NOW, 1, []))
    assert [entry.started.day for entry in comparable(read_history(tmp_path).entries)] == [27, 2]
    assert one.left_out == 2
    assert "2 runs: " in one.trends[0].told


def test_what_was_measured_stands_under_its_limit(tmp_path: Path) -> None:
    figures = {"mongodb_replaced_s": 2.5, "mongodb_replaced_limit_s": 6.4, "health_limit_s": 3.0}
    append(tmp_path, entry_of(Record("staging", NOW, NOW, 1, [result("JL-01a")], figures=figures)))
    [one] = trends_of(read_history(tmp_path), Record("staging", NOW, NOW, 1, []))
    shown = {trend.title: trend.told for trend in one.trends}
    assert "6.4" in shown["Mongodb replaced"]
    assert "Mongodb replaced limit" not in shown and "Health limit" in shown


def points(*values: float) -> list[Point]:
    return [Point(NOW + datetime.timedelta(days=day), value, value == 3) for day, value in enumerate(values)]


@pytest.mark.parametrize("values", [[0.0], [5.0], [1.0, 2.0, 3.0], [0.001, 0.002], [123456.0, 1.0], [0.0, 0.0]])
def test_a_chart_stays_inside_of_its_frame(values: list[float]) -> None:
    svg = ElementTree.fromstring(str(chart("Duration <&>", " s", points(*values))))
    assert svg.get("aria-label", "").startswith("Duration <&>, ")
    drawn = [tuple(map(float, place.split(","))) for place in svg.find("polyline").get("points", "").split()]  # type: ignore[union-attr]  # every chart has its line
    assert len(drawn) == len(values)
    assert all(52 <= x <= 472 and 12 <= y <= 142 for x, y in drawn)
    assert len(svg.findall("circle")) + len(svg.findall("rect")) == len(values)
    assert len(svg.findall("rect")) == values.count(3.0)


def test_a_higher_value_stands_higher_and_a_later_one_further_right() -> None:
    svg = str(chart("Duration", " s", points(1, 2, 4)))
    found = re.search(r'points="([^"]+)"', svg)
    assert found is not None
    places = [tuple(map(float, place.split(","))) for place in found.group(1).split()]
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert places[2][1] - places[0][1] == pytest.approx(3 * (places[1][1] - places[0][1]))


@pytest.mark.parametrize(("value", "told"), [(0, "0"), (3, "3"), (0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1234")])
def test_numbers_are_short(value: float, told: str) -> None:
    assert number(value) == told


def test_every_requirement_has_a_row_and_the_start_page_counts_them(project: SiteProject) -> None:
    site = project.make(result(), result("JL-01b", "failed"))
    known = read_requirements().titles
    ids = {one.group(1) for one in re.finditer(r'<tr id="([A-Z]{2}-\d\d)"', (site / "requirements.html").read_text())}
    assert ids == set(known)
    rows = Page(site / "requirements.html").text
    assert f"{known['RS-08']} no example yet" in rows
    start = Page(site / "index.html").text
    assert f"2 of {len(known)} have an example" in start
    assert "1 do not hold" in start


def test_the_start_page_says_what_the_faults_proved(project: SiteProject) -> None:
    project.matrix(
        finished=None, faults=[{"id": "two-jobs", "caught": True}, {"id": "reversed-window-accepted", "caught": False}]
    )
    assert "1 proven: every fault was noticed" in Page(project.make(result()) / "index.html").text


def test_the_start_page_says_what_changed_since_the_last_full_run(project: SiteProject) -> None:
    kept_run(project.reports / "history", 1, "staging", result(), result("JL-01b", "failed"), result("JL-02a"))
    site = project.make(result("JL-01a", "failed"), result("JL-01b"), result("PV-04b"))
    start = Page(site / "index.html").text
    for told in ("1 newly failing JL-01a", "1 fixed JL-01b", "1 new PV-04b", "1 gone JL-02a"):
        assert told in start
    part = project.make(
        result("JL-01a", "failed"), selection=Selection(tags="@JL", paths=("features",), complete=False)
    )
    start = Page(part / "index.html").text
    assert "Since the last full run" not in start
    assert "A part of the suite: tags @JL; in features." in start


def test_a_sandbox_that_was_changed_on_purpose_says_so_on_every_page(project: SiteProject) -> None:
    told = {"": "this sandbox ran with faults job-crashes", "he": "ארגז החול הזה רץ עם faults job-crashes"}
    site = project.make(result(), fingerprint={"sandbox": "faults job-crashes"})
    assert all(told[name.rpartition("/")[0]] in page.text for name, page in read_site(site).items())


def test_traceability_is_a_table_of_every_requirement_and_scenario(project: SiteProject) -> None:
    kept_run(project.reports / "history", 3, "production", result("PV-04b", "failed"))
    project.feature(
        "job_lifecycle/more", "@JL\nFeature: X\n\n  @JL-02a @needs_gpu @load\n  Example: =1+1\n    When x\n"
    )
    site = project.make(result("JL-01a"), result("PV-04a.1"), result("PV-04a.2", "failed"))
    rows = list(csv.DictReader((site / "traceability.csv").read_text().splitlines()))
    assert {row["requirement"] for row in rows} == set(read_requirements().titles)
    told = {row["scenario"]: row for row in rows}
    assert told["JL-01a"]["verdict"] == "passed"
    assert (told["JL-01a"]["date"], told["JL-01a"]["environment"]) == ("2026-03-04 05:06", "staging")
    assert told["JL-01a"]["tickets"] == "PZ-13899"
    assert (told["JL-01b"]["faults"], told["JL-01b"]["verdict"]) == ("two-jobs", "not run")
    assert told["PV-04a"]["verdict"] == "failed"
    assert (told["PV-04b"]["verdict"], told["PV-04b"]["environment"]) == ("failed", "production")
    assert told["JL-02a"]["needs"] == "gpu, permits load"
    assert told["JL-14a"]["verdict"] == "backlog"
    with zipfile.ZipFile(site / "traceability.xlsx") as book:
        cells = book.read("xl/sharedStrings.xml").decode()
        assert "=1+1" in cells and "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()


def test_a_chart_draws_the_limit_of_its_environment(project: SiteProject) -> None:
    history = project.reports / "history"
    for day in (1, 2):
        kept_run(history, day, "staging", figures={"opening_p95_ms": 40.0 + day, "broker_started_s": 0.000002094})
    configuration = {"limits": {"configure_p95_ms": 300}, "capacity": {"target_jobs": 200}}
    site = project.make(result(), fingerprint={"configuration": configuration, "git": "0123", "git_changes": "abc"})
    told = text(site, "trends.html")
    assert "Opening, one client: 95 % answered within" in told
    assert "2 runs: last 41 ms, median 42 ms, least 41 ms, most 42 ms; the limit is 300 ms." in told
    assert "Openings of the whole run, alone and at once" in told
    assert "Broker started" in told and "less than 0.001 s" in told and "e-06" not in told
    assert 'class="limit"' in (site / "trends.html").read_text()
    assert "Revision of the suite 0123 with changes" in text(site, "index.html")
    assert "abc" not in text(site, "index.html")
