"""The site in a real browser, if one is installed: desktop, phone, dark mode, print and keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PROGRAM, Browser, started
from site_history import kept_runs
from site_project import SiteProject, failed, result

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")
ENGLISH = ("index", "first", "requirements", "faults", "trends", "scope", "glossary", "search", "area-job_lifecycle")
PAGES = (*ENGLISH, *(f"he/{name}" for name in ENGLISH))
LONG = "a-word-that-is-much-too-long-for-the-screen-of-a-phone-" * 5


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = SiteProject(tmp_path_factory.mktemp("site"))
    kept_runs(project.reports / "history", 30, "staging")
    kept_runs(project.reports / "history", 3, "sandbox")
    wait = f"job 1-17\n  wanted: to be the only one\n  last seen: {LONG}\n  waited 1 s of 1 s, looked 3 times"
    evidence = [project.evidence("JL-01b.txt")]
    return project.make(
        result(name=LONG),
        failed("JL-01b", "Then", "it is the only job that was started", wait, evidence=evidence),
        result("PV-04a.1", "known_issue", reason=f"PZ-1: {LONG} (known until 2026-12-01)\nThen x: y"),
        result("PV-04a.2"),
        result("PV-04b", "skipped", reason=LONG),
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def shown(browser: Browser, site: Path) -> Iterator[Browser]:
    browser.requests.clear()
    browser.complaints.clear()
    yield browser
    assert browser.complaints == [], "the browser refused or missed something"
    foreign = [address for address in browser.requests if not address.startswith((site.as_uri(), "about:"))]
    assert foreign == []


def address(site: Path, name: str) -> str:
    return (site / f"{name}.html").as_uri()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 768, 1200])
def test_no_page_is_wider_than_the_screen(shown: Browser, site: Path, name: str, width: int) -> None:
    shown.open(address(site, name), width, 740)
    assert shown.value("document.documentElement.scrollWidth") <= width
    assert shown.value("innerWidth") == width


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("dark", [False, True])
def test_every_text_stands_out_from_what_is_behind_it(shown: Browser, site: Path, name: str, dark: bool) -> None:
    """Contrast as computed by the browser. WCAG AA asks for 4.5 to 1."""
    shown.open(address(site, name), dark=dark)
    assert shown.value(POOR_CONTRAST) == []
    paper = shown.value("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(18, 23, 30)" if dark else "rgb(255, 255, 255)")


def test_the_first_key_leads_to_the_link_that_skips_to_the_content(shown: Browser, site: Path) -> None:
    shown.open(address(site, "index"))
    shown.press("Tab")
    assert shown.value("document.activeElement.textContent") == "Skip to the content"
    assert shown.value("document.activeElement.getBoundingClientRect().left") >= 0
    shown.press("Enter")
    assert shown.value("document.activeElement.tagName") == "MAIN"


@pytest.mark.parametrize("name", PAGES)
def test_whatever_has_the_focus_shows_it(shown: Browser, site: Path, name: str) -> None:
    shown.open(address(site, name))
    seen = set()
    for _ in range(60):
        shown.press("Tab")
        focus = shown.value(FOCUS)
        if focus is None or focus["number"] in seen:
            break
        seen.add(focus["number"])
        assert focus["outline"] != "none" or focus["skip"], focus
    assert len(seen) > 10


def test_hebrew_runs_from_right_to_left_and_the_features_in_it_from_left_to_right(shown: Browser, site: Path) -> None:
    shown.open(address(site, "he/area-job_lifecycle"))
    assert shown.value("getComputedStyle(document.querySelector('h1')).direction") == "rtl"
    assert shown.value("document.querySelector('h1').getBoundingClientRect().right") > 1000
    steps = shown.value("JSON.stringify(document.querySelector('.steps li b').getBoundingClientRect())")
    example = shown.value("JSON.stringify(document.querySelector('.example').getBoundingClientRect())")
    assert json.loads(steps)["left"] - json.loads(example)["left"] < 40
    assert shown.value("getComputedStyle(document.querySelector('.example')).borderRightWidth") > "2px"
    nodes = shown.accessible()
    assert any("פתיחת חקירה חיה" in node.get("name", {}).get("value", "") for node in nodes)


def test_the_other_language_is_one_click_away_from_every_page(shown: Browser, site: Path) -> None:
    shown.open(address(site, "requirements"))
    shown.value("document.querySelector('nav [hreflang=he]').focus()")
    shown.press("Enter")
    shown.wait_until("document.documentElement?.lang == 'he' && document.readyState == 'complete'")
    assert shown.value("location.href") == address(site, "he/requirements")
    shown.value("document.querySelector('nav [hreflang=en]').focus()")
    shown.press("Enter")
    shown.wait_until("document.documentElement?.lang == 'en' && document.readyState == 'complete'")
    assert shown.value("location.href") == address(site, "requirements")


def test_a_search_in_hebrew_says_in_hebrew_how_much_it_found(shown: Browser, site: Path) -> None:
    shown.open(address(site, "he/search") + "?find=חקירה סיב")
    assert shown.value("document.querySelector('[role=status]').textContent").startswith("3 מתוך ")


def test_what_is_asked_for_is_found_by_its_title_and_by_its_steps(shown: Browser, site: Path) -> None:
    shown.open(address(site, "search"))
    everything = shown.value(VISIBLE)
    shown.value("document.getElementById('find').focus()")
    shown.write("second job")
    assert shown.value(VISIBLE) == ["fault Every request starts a <second> job. JL-01"]
    assert shown.value("document.querySelector('[role=status]').textContent") == f"1 of {len(everything)}"
    shown.value("document.getElementById('find').value = ''")
    shown.write("is very long")
    assert [line.partition(" passed")[0] for line in shown.value(VISIBLE)] == [
        "example PV-04a A window that <defect> is refused known issue Prelaunch validation: The time range is valid"
    ]


def test_a_search_can_be_linked(shown: Browser, site: Path) -> None:
    shown.open(address(site, "search") + "?find=investigation%20fibre")
    assert "word Investigation What a client opens to look at the fibre, now or at some time in the past." in (
        shown.value(VISIBLE)
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_screen_reader_is_told_the_landmarks_and_the_tables(shown: Browser, site: Path, name: str) -> None:
    shown.open(address(site, name))
    nodes = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown.accessible()]
    roles = [role for role, _ in nodes]
    assert [roles.count(role) for role in ("banner", "main", "contentinfo")] == [1, 1, 1]
    named = {"Languages", "Pages", "Areas"} if name in ENGLISH else {"שפות", "דפים", "תחומים"}
    assert {name for role, name in nodes if role == "navigation"} >= named
    assert all(name for role, name in nodes if role in ("link", "image", "region", "heading", "searchbox"))
    assert ("table" not in roles) or "columnheader" in roles


def test_the_matrix_stays_a_table_for_a_screen_reader_on_a_phone(shown: Browser, site: Path) -> None:
    shown.open(address(site, "requirements"), 360, 740)
    roles = [node["role"]["value"] for node in shown.accessible()]
    assert {"table", "row", "columnheader", "rowheader", "cell"} <= set(roles)


def test_paper_shows_the_content_in_black_on_white_without_what_is_for_the_screen(shown: Browser, site: Path) -> None:
    shown.open(address(site, "area-job_lifecycle"), dark=True)
    shown.print_out()
    assert shown.value("getComputedStyle(document.querySelector('main h1')).color") == "rgb(0, 0, 0)"
    assert shown.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert shown.value("getComputedStyle(document.querySelector('header nav')).display") == "none"
    assert shown.value("getComputedStyle(document.querySelector('.told')).display") == "block"


def test_evidence_is_one_click_away_from_a_failure(shown: Browser, site: Path) -> None:
    shown.open(address(site, "index"))
    assert shown.value("document.querySelector('.failures .evidence a').href").endswith("/evidence/JL-01b.txt")


VISIBLE = """Array.from(document.querySelectorAll('[data-find]')).filter(function (item) { return item.offsetParent; })
    .map(function (item) { return item.textContent.replace(/\\s+/g, ' ').trim(); })"""
FOCUS = """(function () {
  var one = document.activeElement;
  if (one === document.body) { return null; }
  return { number: Array.from(document.querySelectorAll('*')).indexOf(one), skip: one.className === 'skip',
           what: one.outerHTML.slice(0, 80), outline: getComputedStyle(one).outlineStyle };
}())"""
# For each element with its own text: the text colour against the first opaque colour behind it.
POOR_CONTRAST = """(function () {
  function parts(colour) { return colour.match(/[\\d.]+/g).map(Number); }
  function light(colour) {
    var linear = parts(colour).slice(0, 3).map(function (part) {
      part /= 255;
      return part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }
  function behind(one) {
    for (; one; one = one.parentElement) {
      var colour = getComputedStyle(one).backgroundColor;
      var seen = parts(colour);
      if (seen.length === 3 || seen[3] === 1) { return colour; }
    }
    return 'rgb(255, 255, 255)';
  }
  var poor = [];
  document.querySelectorAll('body, body *').forEach(function (one) {
    var own = Array.from(one.childNodes).some(function (node) { return node.nodeType === 3 && node.data.trim(); });
    if (!own || one.closest('script, style')) { return; }
    var drawn = one instanceof SVGElement;
    var front = light(drawn ? getComputedStyle(one).fill : getComputedStyle(one).color);
    var back = light(behind(one));
    var ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) { poor.push(one.outerHTML.slice(0, 80) + ' ' + ratio.toFixed(2)); }
  });
  return poor;
}())"""
