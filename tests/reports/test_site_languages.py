"""The site in English and Hebrew: each page exists in both and links to the other.

Text that stays English on a Hebrew page is marked as English.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from behave_project import ROOT
from site_history import kept_runs
from site_pages import VOID, problems_of, read_site
from site_project import NOW, SiteProject, failed, result, trouble

from support.fault_catalogue import CATALOGUE_FILE
from support.reporting.site.language import ENGLISH, HEBREW, _n, gettext, speaking
from support.reporting.site.words import day_and_time, duration

# Names and units that are the same in both languages, and letters that are not words.
THE_SAME = re.compile(
    r"Focus Server|Kubernetes|MongoDB|RabbitMQ|Python|English|GPU|NFFT|SSH|CI|gRPC|JSON|HTTP|UTC|stream URL|Given"
    r"|When|Then|traceability\.(xlsx|csv)|\b[A-Z]{2}-\d{2}([a-z](\.\d+)?)?\b|PZ-\d+|\d (ms|s)\b"
)
SHOWN_ATTRIBUTES = ("aria-label", "title", "alt", "placeholder")


class Spoken(HTMLParser):
    """The texts of a page with their languages: (language, direction, text)."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str, str]] = [("", "", "")]
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        _, language, direction = self._open[-1]
        language, direction = has.get("lang") or language, has.get("dir") or direction
        self.said += [(language, direction, value) for name in SHOWN_ATTRIBUTES if (value := has.get(name))]
        if tag not in VOID:
            self._open.append((tag, language, direction))

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        tag, language, direction = self._open[-1]
        if data.strip() and tag not in ("style", "script"):
            self.said.append((language, direction, " ".join(data.split())))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with all titles of this suite's features, faults and requirements, and with each kind of result."""
    project = SiteProject(tmp_path_factory.mktemp("site"))
    project.features, project.catalogue = ROOT / "features", CATALOGUE_FILE
    kept_runs(project.reports / "history", 12, "staging")
    kept_runs(project.reports / "history", 3, "sandbox")
    project.matrix(faults=[], finished=NOW.isoformat())
    wait = "job 1-17\n  wanted: to be alone\n  last seen: two jobs\n  waited 1 s of 1 s, looked 3 times"
    return project.make(
        result(),
        failed(
            "JL-01b", "Then", "it is the only job that was started", wait, evidence=[project.evidence("JL-01b.txt")]
        ),
        failed("JL-02a", "Then", "it is the only job that was started", wait),
        result("PV-04a.1", "known_issue", reason="PZ-1: late (known until 2026-12-01)\nThen x: y"),
        result("PV-04a.2", "unexpected_pass"),
        result("PV-04b", "skipped", reason="the environment has no fibre"),
        result("CF-01a.1", "error"),
        result("ZZ-99a", "passed", feature="features/job_lifecycle/gone.feature", line=3),
        suite_errors=[trouble("the cluster went away")],
        leftovers=["grpc-job-1-1"],
        interrupted="the run was interrupted",
        fingerprint={"title": "Staging site", "nodes": ["a"], "sandbox": "faults x", "git": "0" * 40, "python": "3.11"},
    )


def test_every_page_is_there_in_both_languages_and_leads_to_the_other(site: Path) -> None:
    pages = read_site(site)
    english = {name for name in pages if "/" not in name}
    assert {name for name in pages if "/" in name} == {f"he/{name}" for name in english}
    for name in english:
        assert f"he/{name}" in pages[name].addresses
        assert f"../{name}" in pages[f"he/{name}"].addresses
    assert problems_of(site) == []


def test_a_page_says_its_language_and_its_direction(site: Path) -> None:
    for name, page in read_site(site).items():
        wanted = '<html lang="he" dir="rtl">' if name.startswith("he/") else '<html lang="en" dir="ltr">'
        assert wanted in page.source, name


def test_what_is_english_on_a_hebrew_page_says_so_and_runs_from_left_to_right(site: Path) -> None:
    said = [(path.name, *one) for path in sorted((site / "he").glob("*.html")) for one in Spoken(path).said]
    unsaid = [
        (name, text)
        for name, language, _, text in said
        if language == "he" and re.search("[A-Za-z]", THE_SAME.sub("", text))
    ]
    assert unsaid == []
    assert {direction for _, language, direction, _ in said if language == "en"} == {"ltr"}
    assert {direction for _, language, direction, _ in said if language == "he"} == {"rtl"}
    assert not any(re.search("[\u05d0-\u05ea]", text) for _, language, _, text in said if language == "en")


def test_the_english_pages_speak_english_only(site: Path) -> None:
    for path in site.glob("*.html"):
        hebrew = [text for language, _, text in Spoken(path).said if re.search("[\u05d0-\u05ea]", text)]
        assert hebrew == [HEBREW.name], path.name


def test_the_features_stay_as_they_are_written_with_the_title_of_the_rule_beside(site: Path) -> None:
    page = (site / "he" / "area-job_lifecycle.html").read_text(encoding="utf-8")
    assert "פתיחת חקירה חיה מתחילה עבודה אחת בדיוק" in page
    assert '<p class="note" lang="en" dir="ltr">Opening a live investigation starts exactly one job</p>' in page
    assert '<ol class="steps" lang="en" dir="ltr">' in page


def test_evidence_and_the_traceability_files_are_reached_from_both_languages(site: Path) -> None:
    assert "../../evidence/JL-01b.txt" in read_site(site)["he/index.html"].addresses
    assert "../traceability.csv" in read_site(site)["he/requirements.html"].addresses


def test_numbers_and_dates_are_said_as_the_language_says_them() -> None:
    assert day_and_time(NOW) == "4 March 2026, 05:06 UTC"
    assert duration(3661) == "1 hour 1 minute 1 second"
    with speaking(HEBREW):
        assert day_and_time(NOW) == "4 במרץ 2026, 05:06 UTC"
        assert duration(3661) == "שעה אחת דקה אחת שנייה אחת"
        assert duration(7322) == "2 שעות 2 דקות 2 שניות"
        assert _n("%(num)s run", "%(num)s runs", 1) == "הרצה אחת"
        assert gettext("") == ""
    with speaking(ENGLISH):
        assert gettext("passed") == "passed"
