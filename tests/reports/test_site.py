"""The living documentation: the content of each page, well-formed HTML, and no text of a run that acts as markup."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from behave_project import ROOT
from site_pages import Page, problems_of, read_site
from site_project import NOW, OPENING, SiteProject, failed, result, trouble

from support.reporting.record.model import STATUSES, Record, StepResult
from support.reporting.record.reading import ReadingError, read_record
from support.reporting.site import SiteError, write_site
from tests.pace import plain_work_s, took_s

WAIT_FAILURE = (
    "1-17 is the only job\n  wanted: job 1-17 and no other\n  last seen: started: 1-17, 2-18\n"
    "  waited 0.15 s of 0.15 s, looked 3 times"
)
MATCH_FAILURE = "Expected: a refusal about its time range\n     but: it was answered 200"
TRACE = (
    "KeyError: 'x'\nTraceback (most recent call last):\n  File \"/srv/app.py\", line 3, in f\n    g()\nKeyError: 'x'"
)
EVIL = "<script>alert(1)</script> & \"quoted\" 'single' \x1b[31mred\x07 \u202eback {{ 7*7 }}"


@pytest.fixture
def project(tmp_path: Path) -> SiteProject:
    return SiteProject(tmp_path)


def page(site: Path, name: str) -> Page:
    return Page(site / name)


def passed_all(*but: str) -> list[Any]:
    names = ["JL-01a", "JL-01b", "PV-04a.1", "PV-04a.2", "PV-04a.3", "PV-04b"]
    return [result(name) for name in names if name not in but]


def test_every_page_is_well_formed_and_every_link_leads_somewhere(project: SiteProject) -> None:
    site = project.make(
        result(),
        failed(
            "JL-01b",
            "Then",
            "it is the only job that was started",
            WAIT_FAILURE,
            evidence=[project.evidence("a b#?.txt")],
        ),
        result("PV-04a.1", "known_issue", reason=f"PZ-1: not yet (known until 2026-12-01)\nThen x: {MATCH_FAILURE}"),
        result("PV-04a.2", "error", reason=TRACE),
        result("PV-04a.3", "unexpected_pass"),
        result("PV-04b", "skipped"),
        result("PV-77x", "failed"),
    )
    assert problems_of(site) == []
    assert {"index.html", "requirements.html", "faults.html", "scope.html", "glossary.html"} < set(read_site(site))


def test_the_start_page_has_the_verdict_in_one_sentence_and_what_it_stands_on(project: SiteProject) -> None:
    start = page(project.make(*passed_all()), "index.html")
    assert start.heading_texts()[0] == "Passed: all 6 examples that were run hold."
    assert "On Staging site (environment staging), 4 March 2026, 05:06 UTC . It took 1 minute 5 seconds." in start.text
    assert "6 passed" in start.text
    assert "Nodes a, b" in start.text
    assert "0123456789" in start.text
    assert "0123456789abcdef" not in start.text


@pytest.mark.parametrize(
    ("results", "changed", "sentence"),
    [
        ([result(), result("JL-01b", "failed")], {}, "Failed: 1 of 2 examples does not hold."),
        ([result("JL-01a", "error")], {}, "Failed: 1 of 1 example could not be judged."),
        ([result()], {"leftovers": ["grpc-job-1-1"]}, "Failed: 1 thing left behind."),
        ([result()], {"suite_errors": [trouble("boom")]}, "Failed: 1 trouble outside of the examples."),
        ([], {}, "Failed: nothing was run."),
        ([result()], {}, "Passed: all 1 examples that were run hold; 5 of 6 were not run."),
        (
            [result(), result("JL-01b", "known_issue")],
            {},
            "Passed: 2 examples were run, 1 of them failing as known; 4 of 6 were not run.",
        ),
    ],
)
def test_the_sentence_follows_the_record(
    project: SiteProject, results: list[Any], changed: dict[str, Any], sentence: str
) -> None:
    site = project.make(*results, **changed)
    assert page(site, "index.html").heading_texts()[0] == sentence
    assert problems_of(site) == []


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_its_word_and_its_reason(project: SiteProject, status: str) -> None:
    area = page(project.make(result("JL-01a", status)), "area-job_lifecycle.html")
    word = {"skipped": "not run", "known_issue": "known issue", "unexpected_pass": "unexpected pass"}.get(
        status, status
    )
    assert f"JL-01a The job is running {word}" in area.heading_texts()
    assert (f"why {status}" in area.text) == (status != "passed")
    assert problems_of(project.site) == []


def test_a_failure_is_told_as_wanted_and_seen_with_its_evidence_one_click_away(project: SiteProject) -> None:
    evidence = project.evidence("JL-01b.txt")
    step = "it is the only job that was started"
    site = project.make(*passed_all("JL-01b"), failed("JL-01b", "Then", step, WAIT_FAILURE, evidence=[evidence]))
    for name in ("index.html", "area-job_lifecycle.html"):
        told = page(site, name)
        assert "Wanted job 1-17 and no other Seen started: 1-17, 2-18" in told.text
        assert "../evidence/JL-01b.txt" in told.addresses
    assert f"Then {step} (here it failed)" in page(site, "area-job_lifecycle.html").text
    assert f"Where Then {step}" in page(site, "index.html").text


def test_evidence_that_was_not_kept_is_no_dead_link(project: SiteProject) -> None:
    paths = ["reports/evidence/gone.txt", "../../etc/passwd", "evidence/../../run.json"]
    area = page(project.make(result("JL-01a", "failed", evidence=paths)), "area-job_lifecycle.html")
    assert "evidence gone.txt (not kept)" in area.text
    assert not [link for link in area.addresses if link.startswith("..")]


def test_the_evidence_of_a_record_that_was_moved_is_found_beside_it(project: SiteProject) -> None:
    project.evidence("JL-01a.txt")
    site = project.make(result("JL-01a", "failed", evidence=["elsewhere/faults/x/evidence/JL-01a.txt"]))
    assert "../evidence/JL-01a.txt" in page(site, "area-job_lifecycle.html").addresses


def test_rules_are_headings_with_one_verdict_each(project: SiteProject) -> None:
    headings = page(project.make(result(), result("JL-01b", "failed")), "area-job_lifecycle.html").heading_texts()
    assert headings[0] == "Job lifecycle failed 1 of 2"
    assert "Rule Opening a live investigation starts exactly one job failed 1 of 2" in headings
    assert "Rule A client can cancel backlog" in headings


def test_a_rule_of_which_a_part_was_run_says_so(project: SiteProject) -> None:
    headings = page(project.make(result()), "area-job_lifecycle.html").heading_texts()
    assert "Rule Opening a live investigation starts exactly one job passed 1 of 2 not run" in headings


def test_the_rows_of_an_outline_are_a_table_with_a_verdict_each(project: SiteProject) -> None:
    site = project.make(result("PV-04a.1"), result("PV-04a.2", "failed", reason=f"Then x: {MATCH_FAILURE}"))
    area = page(site, "area-prelaunch_validation.html")
    assert "Row defect reason Verdict PV-04a.1 ends before it starts start and end mixed up passed" in area.text
    assert "PV-04a.2 lies in the future not recorded yet failed" in area.text
    assert "PV-04a.3 is very long too big not run" in area.text
    assert "PV-04a.2 A window that lies in the future is refused failed" in area.text
    assert "Wanted a refusal about its time range Seen it was answered 200" in area.text
    assert {"PV-04a", "PV-04a.1", "PV-04a.2", "PV-04a.3"} <= set(area.ids)


def test_background_tables_and_texts_of_steps_are_shown(project: SiteProject) -> None:
    area = page(project.make(*passed_all()), "area-prelaunch_validation.html")
    assert "Before each example: Given a connected fibre" in area.text
    assert "from to 1 2" in area.text
    assert "too <b>big</b>" in area.text


def test_the_prose_of_a_feature_is_shown(project: SiteProject) -> None:
    area = page(project.make(*passed_all()), "area-job_lifecycle.html")
    assert "As the operator of a site I expect one job, so that I can watch the fibre." in area.text


def test_what_was_not_run_is_listed_with_its_reason(project: SiteProject) -> None:
    site = project.make(result(), result("JL-01b", "skipped", reason="staging declares no GPU"))
    start = page(site, "index.html")
    assert "1: staging declares no GPU. JL-01b" in start.text
    assert "4: not chosen for this run. PV-04a.1 , PV-04a.2 , PV-04a.3 , PV-04b" in start.text
    assert "1: agreed but not built yet (backlog). JL-14a" in start.text
    area = page(site, "area-job_lifecycle.html")
    assert "Not run , because: staging declares no GPU" in area.text
    assert "Backlog , because: it is agreed but not built yet" in area.text


def test_one_reason_for_many_failures_is_told_once(project: SiteProject) -> None:
    reason = "not run: before_all: the cluster does not answer"
    site = project.make(
        *(result(name, "error", reason=reason) for name in ("JL-01a", "JL-01b", "PV-04b")),
        suite_errors=[trouble("the cluster does not answer")],
    )
    start = page(site, "index.html")
    assert start.text.count(reason) == 1
    assert "3 examples, one cause: JL-01a The job is running error" in start.text
    assert "The same was seen in 2 further examples JL-01b" in start.text
    assert "When at the start of the run Seen the cluster does not answer" in start.text


def test_failures_stand_in_the_order_of_the_requirements(project: SiteProject) -> None:
    site = project.make(result("PV-04b", "failed", reason="one"), result("JL-01a", "failed", reason="two"))
    start = page(site, "index.html")
    assert start.text.index("JL-01a The job is running failed") < start.text.index("PV-04b A table and a text failed")


def test_the_matrix_has_rules_examples_verdicts_and_tickets(project: SiteProject) -> None:
    text = page(project.make(*passed_all("JL-01b"), result("JL-01b", "failed")), "requirements.html").text
    assert "Opening a live investigation starts exactly one job JL-01a The job is running" in text
    assert "JL-01b It is the only one failed 1 fault breaks it failed 1 of 2 this run" in text
    assert "PV-04a A window that <defect> is refused (3 rows)" in text
    assert "JL-14 PZ-13670" in text


def test_faults_say_what_must_fail_and_that_they_were_not_run_here(project: SiteProject) -> None:
    faults = page(project.make(*passed_all()), "faults.html")
    assert "there is no result of the fault matrix here" in faults.text
    assert "Every request starts a <second> job. two-jobs JL-01b not run here" in faults.text
    assert "area-job_lifecycle.html#JL-01b" in faults.addresses


def test_faults_show_the_last_matrix(project: SiteProject) -> None:
    project.matrix(finished="2026-03-01T10:00:00Z", faults=[{"id": "two-jobs", "caught": False, "missed": ["JL-01b"]}])
    text = page(project.make(*passed_all()), "faults.html").text
    assert "last tried on 1 March 2026, 10:00 UTC" in text
    assert "two-jobs JL-01b not noticed" in text
    assert "PV-04a.1 , PV-04a not run here" in text


def test_mutants_are_shown_where_they_were_tried(project: SiteProject) -> None:
    assert "What nobody thought of" not in page(project.make(*passed_all()), "faults.html").text
    counts = {"places": 9, "killed": 5, "survived": 1, "equivalent": 2}
    project.mutants(
        finished="2026-03-01T10:00:00Z",
        modules=[{"module": "focus_server.rules", **counts}, {"module": "node.watchdog", **counts}],
        requirements=[{"requirement": "", **counts}, {"requirement": "JL-01", **counts}],
        survivors=["focus_server.rules:12 check: if a < 1: -> if a <= 1:"],
    )
    text = page(project.make(*passed_all()), "faults.html").text
    assert "focus_server.rules 9 5 1 2 1" in text and "all 18 10 2 4 2" in text
    assert "the server did not start 0 5 1 2" in text
    assert "JL-01 Opening a live investigation starts exactly one job, also beside a historic one 1 5 1 2" in text
    assert "if a < 1: -> if a <= 1:" in text


def test_mutants_are_shown_as_they_are_kept_where_nobody_tried_them(project: SiteProject) -> None:
    counts = {"places": 9, "killed": 5, "survived": 1, "equivalent": 2}
    modules = [{"module": "focus_server.rules", **counts}]
    kept = {"finished": "2026-03-01T10:00:00Z", "modules": modules, "requirements": [], "survivors": []}
    project.catalogue.with_name("mutants.json").write_text(json.dumps(kept), encoding="utf-8")
    assert "focus_server.rules 9 5 1 2 1" in page(project.make(*passed_all()), "faults.html").text


def test_scope_lists_the_backlog_and_areas_without_examples(project: SiteProject) -> None:
    scope = page(project.make(*passed_all()), "scope.html")
    assert scope.heading_texts()[1:4] == ["In", "Out", "Backlog"]
    assert "JL-14a Everything is gone PZ-13670" in scope.text
    assert "RS-01 While MongoDB is away" in scope.text


def test_the_glossary_has_every_word_of_the_product(project: SiteProject) -> None:
    text = page(project.make(*passed_all()), "glossary.html").text.lower()
    words = "investigation, job, job id, recording, live, historic, fibre, slot, stream url, stream port, base path"
    words += ", stale recording, unrecognised recording, gap report, environment, capability, known issue"
    assert [word for word in words.split(", ") if word not in text] == []


def test_markup_and_control_characters_are_shown_not_obeyed(project: SiteProject) -> None:
    project.feature("job_lifecycle/opening", OPENING.replace("The job is running", EVIL).replace("a connected", EVIL))
    project.feature("evil_<area>/x", f"Feature: {EVIL}\n  {EVIL}\n\n  Scenario: {EVIL}\n    Given {EVIL}\n")
    evil = result("JL-01b", "failed", reason=EVIL, name=EVIL, evidence=[project.evidence("a<b>&'.txt")])
    site = project.make(evil, result("ZZ-01a", "failed", feature=EVIL, name=EVIL), leftovers=[{EVIL: EVIL}])
    assert problems_of(site) == []
    for name, read in read_site(site).items():
        assert read.tags.count("script") == 1, name
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", read.source), name
    area = page(site, "area-job_lifecycle.html")
    assert "<script>alert(1)</script> & \"quoted\" 'single' \\x1b[31mred\\x07 \\u202eback {{ 7*7 }}" in area.text


def test_a_lone_surrogate_does_not_stop_the_site(project: SiteProject) -> None:
    assert problems_of(project.make(result("JL-01a", "failed", reason="half \ud800 a letter"))) == []


def test_nothing_comes_from_outside_and_no_page_shows_a_stack_trace(project: SiteProject) -> None:
    site = project.make(
        result("JL-01a", "error", reason=TRACE),
        failed("JL-01b", "Then", "it is the only job", f"Expected: a\n     but: {TRACE}"),
        result("PV-04b", "skipped", reason=TRACE),
        suite_errors=[trouble(TRACE)],
    )
    for name, read in read_site(site).items():
        assert "://" not in read.source, name
        assert "Traceback" not in read.text, name
        assert "app.py" not in read.text, name
        assert "default-src 'none'" in read.source, name
    assert "KeyError: 'x'" in page(site, "index.html").text


def test_an_example_that_was_reworded_since_the_run_says_so(project: SiteProject) -> None:
    same = [("Given", "a connected fibre"), ("When", "a client opens a live investigation")]
    same.append(("Then", "a job for it is running within its deadline"))
    old = [("When", "somebody opens something"), ("Then", "it is the only job that was started")]
    site = project.make(
        result("JL-01a", steps=[StepResult(keyword, name, "passed", 0) for keyword, name in same]),
        result("JL-01b", steps=[StepResult(keyword, name, "passed", 0) for keyword, name in old]),
    )
    assert page(site, "area-job_lifecycle.html").text.count("has been changed since this run") == 1


def test_a_failing_step_of_the_background_marks_no_other_step(project: SiteProject) -> None:
    steps = [StepResult("Given", "a connected fibre", "failed", 0, "no fibre")]
    site = project.make(result("PV-04b", "failed", reason="Given a connected fibre: no fibre", steps=steps))
    text = page(site, "area-prelaunch_validation.html").text
    assert "(here it failed)" not in text
    assert "Where Given a connected fibre" in text
    assert "no fibre" in text


def test_what_was_run_but_is_in_no_feature_any_more_is_shown(project: SiteProject) -> None:
    area = page(project.make(result("JL-09z", "failed", name="An old one")), "area-job_lifecycle.html")
    assert "Run, but not in the features any more" in area.heading_texts()
    assert "JL-09z An old one failed" in area.heading_texts()


def test_examples_without_id_and_rule_find_their_result_by_place(project: SiteProject) -> None:
    project.feature(
        "job_lifecycle/bare", "Feature: Bare\n\n  Scenario: One\n    Given a\n\n  Scenario: Two\n    Given b\n"
    )
    bare: dict[str, Any] = {"feature": "features/job_lifecycle/bare.feature", "requirement": None}
    site = project.make(
        result("features/job_lifecycle/bare.feature:3", line=3, **bare),
        result("features/job_lifecycle/bare.feature:6", "failed", line=6, **bare),
    )
    headings = page(site, "area-job_lifecycle.html").heading_texts()
    assert {"One passed", "Two failed", "Rule Examples of no rule failed 1 of 2"} <= set(headings)
    assert problems_of(site) == []


def test_a_second_site_replaces_the_first(project: SiteProject) -> None:
    project.make(result("ZZ-01a", feature="features/old_area/x.feature"))
    assert (project.site / "area-old_area.html").exists()
    (project.site / "notes.html").write_text("mine", encoding="utf-8")
    project.make(*passed_all())
    assert not (project.site / "area-old_area.html").exists()
    assert (project.site / "notes.html").exists()


def test_the_same_input_gives_the_same_bytes(project: SiteProject) -> None:
    first = {path: path.read_bytes() for path in project.make(*passed_all()).rglob("*.*")}
    assert first == {path: path.read_bytes() for path in project.make(*passed_all()).rglob("*.*")}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("reports/run.json", "{", "run.json: not JSON"),
        ("reports/run.json", "[]", "run.json: not a run record"),
        ("reports/run.json", '{"schema": "focus-acceptance/run/2"}', "run.json: not a run record"),
        ("reports/run.json", '{"schema": "focus-acceptance/run/1"}', "run.json: not a valid run record"),
        ("reports/run.json", None, "run.json: cannot be read"),
        (
            "features/job_lifecycle/opening.feature",
            "Feature: x\n  Scenario: y\n    Given a\n    Nonsense",
            "a feature cannot be parsed",
        ),
        ("faults.toml", "[[fault", "faults.toml"),
        ("faults.toml", None, "faults.toml: cannot be read"),
        ("reports/faults/matrix.json", '{"faults": 3}', "matrix.json: not the results"),
        ("reports/mutants/mutants.json", '{"modules": 3}', "mutants.json: not the results"),
    ],
)
def test_input_that_cannot_be_used_is_one_sentence(
    project: SiteProject, name: str, content: str | None, message: str
) -> None:
    project.make(*passed_all())
    path = project.reports.parent / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises((SiteError, ReadingError), match=message):
        write_site(
            read_record(project.reports / "run.json"),
            project.reports,
            project.features,
            project.catalogue,
            project.site,
        )


def test_a_record_that_says_failed_is_never_shown_as_passed(project: SiteProject) -> None:
    project.make(*passed_all())
    path = project.reports / "run.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "verdict": "failed", "why_failed": ["lost"]}), encoding="utf-8")
    write_site(read_record(path), project.reports, project.features, project.catalogue, project.site)
    assert page(project.site, "index.html").heading_texts()[0].startswith("Failed")


def test_the_real_features_make_a_good_site(tmp_path: Path) -> None:
    record = Record("sandbox", NOW, NOW, 0.0, [])
    site = tmp_path / "site"
    write_site(record, tmp_path, ROOT / "features", ROOT / "environments" / "sandbox" / "faults.toml", site)
    assert problems_of(site) == []
    names = {folder.name for folder in (ROOT / "features").iterdir() if list(folder.glob("*.feature"))}
    assert {f"area-{name}.html" for name in names} <= {path.name for path in site.iterdir()}
    text = " ".join(read.text for read in read_site(site).values())
    for feature in (ROOT / "features").rglob("*.feature"):
        for tag in re.findall(r"@([A-Z]{2}-\d\d[a-z])\b", feature.read_text(encoding="utf-8")):
            assert tag in text


def test_two_hundred_scenarios_are_quick_and_small(project: SiteProject) -> None:
    results = []
    for area in ("capacity", "resilience", "latency", "metadata"):
        code = {"capacity": "CA", "resilience": "RS", "latency": "PF", "metadata": "MD"}[area]
        text = f"Feature: About {area}\n"
        for number in range(1, 51):
            name = f"{code}-{number:02d}a"
            text += f"\n  Rule: Rule {number}\n\n    @{name} @REQ_PZ-{number}\n    Example: Case {number}\n"
            text += "".join(f"      Given a state that is number {step}\n" for step in range(6))
            place = {"feature": f"features/{area}/all.feature", "name": f"Case {number}"}
            results.append(failed(name, "Given", "a state", f"{WAIT_FAILURE} {'word ' * 1000}", **place))
        project.feature(f"{area}/all", text)
    project.make(result())
    plainly_s = plain_work_s()
    assert took_s(lambda: project.make(*results)) < 12 * plainly_s
    site = project.make(*results)
    assert sum(path.stat().st_size for path in site.iterdir()) < 2_000_000
    assert problems_of(site) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_stands_out_from_every_background_it_is_put_on(scheme: str) -> None:
    """Computed from the style sheet, so that it also works without a browser. WCAG AA asks for 4.5 to 1."""
    style = (ROOT / "support" / "reporting" / "site" / "templates" / "style.css").read_text(encoding="utf-8")
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark.split("}\n}")[0]))
    pairs = [(kind, f"{kind}-bg") for kind in ("good", "bad", "warn", "none")]
    pairs += [(front, back) for front in ("ink", "soft", "link") for back in ("paper", "shade")]
    pairs += [(front, f"{kind}-bg") for front in ("ink", "link") for kind in ("good", "bad", "warn", "none")]
    assert [(pair, ratio) for pair in pairs if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 4.5] == []


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("page_too", [False, True])
def test_the_gap_report_of_the_run_is_told_and_linked(project: SiteProject, page_too: bool) -> None:
    gap = {"target": 200, "achieved": 150, "gap": 50, "verdict": "fail", "sentence": "50 of 200 jobs are missing."}
    report = project.reports / "infra_gap_report_staging_20260304T050630Z.json"
    report.write_text(json.dumps({"gap_analysis": gap}), encoding="utf-8")
    if page_too:
        report.with_suffix(".html").write_text("<h1>Gap</h1>", encoding="utf-8")
    site = project.make(result())
    start = page(site, "index.html")
    assert "Capacity 50 of 200 jobs are missing. The gap report: what is missing" in start.text
    assert f"../{report.with_suffix('.html' if page_too else '.json').name}" in start.addresses
    assert problems_of(site) == []


def test_a_gap_report_that_cannot_be_read_does_not_hide_the_site(project: SiteProject) -> None:
    (project.reports / "infra_gap_report_staging_20260304T050630Z.json").write_text("{}", encoding="utf-8")
    assert "The gap report cannot be shown: infra_gap_report_staging" in page(project.make(result()), "index.html").text


def test_without_a_gap_report_of_this_run_none_is_told(project: SiteProject) -> None:
    (project.reports / "infra_gap_report_staging_20260101T000000Z.json").write_text("{}", encoding="utf-8")
    assert "gap report" not in page(project.make(result()), "index.html").text
