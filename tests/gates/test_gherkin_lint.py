"""Tests of the feature lint: for each rule, a feature that follows it and a small change that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.gherkin_lint.lint import lint, main
from tools.gherkin_lint.rules import FILE_RULES, SUITE_RULES

GOOD = """@JL
Feature: A job is opened for every investigation
  As the operator of a site I open an investigation,
  and expect one job to serve it,
  so that I can watch the fibre.

  Background:
    Given an idle cluster

  Rule: Opening a live investigation starts exactly one job

    @JL-01a @REQ_PZ-13899 @smoke @needs_gpu
    Example: The job is running shortly after
      Given a connected fibre
      When a client opens 200 investigations
      Then a job for it is running within its deadline
      And its stream URL names a node

  Rule: A reversed time range is refused

    @JL-02a @TEST_PZ-7 @negative
    Scenario Outline: A window that ends <where> is refused
      When a client asks for a window that ends <where>
      Then the request is refused because of its time range
      And nothing is started

      Examples: Windows without content
        | where           | reason                |
        | before it opens | start and end swapped |
        | when it opens   | it contains nothing   |
"""
ROWS = "".join(f"        | case {number} | why {number} |\n" for number in range(9))


def rules_broken(tmp_path: Path, text: str, folder: str = "job_lifecycle") -> set[str]:
    path = tmp_path / folder / "open.feature"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return {finding.rule for finding in lint([path])}


def test_the_good_feature_breaks_no_rule(tmp_path: Path) -> None:
    assert rules_broken(tmp_path, GOOD) == set()


BAD = [
    ("G00", "Rule: Opening", "Role: Opening", None),
    ("G01", "@JL-01a ", "", None),
    ("G01", "@JL-01a ", "@JL-01a @JL-01b ", None),
    ("G02", "@JL-02a", "@JL-01a", None),
    ("G03", "@JL\n", "@PV\n", None),
    ("G03", "@JL\n", "", None),
    ("G03", "@JL-02a", "@PV-02a", None),
    ("G04", "@smoke", "@smok", None),
    ("G04", "@smoke", "@PZ-13899", None),
    ("G04", "@needs_gpu", "@needs_GPU", None),
    ("G04", "      Examples: W", "      @JL-09a\n      Examples: W", None),
    ("G05", "is running within its deadline", "is running within 30 s", None),
    ("G05", "is running within its deadline", "is running after 500 ms", None),
    ("G05", "is refused because", "is answered with status 400 because", None),
    ("G05", "it contains nothing", "the server returns 422", None),
    ("G05", "The job is running shortly after", "The pod is running shortly after", None),
    ("G05", "so that I can watch the fibre", "so that I receive JSON over HTTP", None),
    ("G05", "Given an idle cluster", "Given kubectl shows nothing", None),
    ("G05", "its stream URL names", "its URL names", None),
    ("G05", "Given an idle cluster", "Given db.recordings is empty", None),
    ("G05", "Opening a live investigation starts", "After a sleep an investigation starts", None),
    ("G06", "so that I can watch the fibre", "so that I can watch the fiber", None),
    ("G06", "a client opens 200 investigations", "a client opens a session", None),
    ("G07", "      When a client opens 200 investigations\n", "", None),
    ("G07", "200 investigations\n", "one\n      And a client opens another\n", None),
    ("G08", "      And its stream URL names a node\n", "      And its stream URL names a node\n" * 5, None),
    (
        "G09",
        "      Given a connected fibre\n      When a client opens 200 investigations\n",
        "      When a client opens 200 investigations\n      Given a connected fibre\n",
        None,
    ),
    (
        "G09",
        "      Then a job for it is running within its deadline\n      And its stream URL names a node\n",
        "",
        None,
    ),
    ("G10", "      And nothing is started\n", "", None),
    ("G10", "      And nothing is started\n", "      And nothing is started\n      And it says why\n", None),
    ("G11", "        | before it opens | start and end swapped |\n", ROWS, None),
    ("G12", "reason   ", "remark   ", None),
    ("G12", "it contains nothing", "", None),
    ("G13", "Examples: Windows without content", "Examples:", None),
    ("G14", "  and expect one job to serve it,\n  so that", "  so that", None),
    ("G14", "  and expect", "  and\n" * 4 + "  and expect", None),
    ("G15", "  Rule: Opening a live investigation starts exactly one job\n", "", None),
    ("G16", "A window that ends <where> is refused", "the job is  running shortly after", None),
    ("G16", "The job is running shortly after", "Opening a live investigation starts exactly one job", None),
    ("G17", "    Given an idle cluster\n", "    Given an idle cluster\n    When something happens\n", None),
    ("G17", "    Given an idle cluster\n", "    Given an idle cluster\n" * 5, None),
    ("G18", "      Given a connected fibre\n", "      Gvien a connected fibre\n", None),
    ("G19", "| where           | reason", "| when            | reason", None),
    ("G20", "@smoke @needs_gpu", "@TEST_PZ-7", None),
    ("G20", "@TEST_PZ-7 @negative", "@TEST_PZ-7 @TEST_PZ-8", None),
    ("G20", "@JL\n", "@JL @TEST_PZ-9\n", None),
    ("G21", GOOD[GOOD.index("      Examples: W") :], "", None),
    ("G21", "  Rule: A reversed", "  Rule: An empty one\n\n  Rule: A reversed", None),
    ("G22", "a window that ends <where>", "a window that ends <when>", None),
    ("G22", "The job is running shortly after", "The job is <state> shortly after", None),
    ("G23", "The job is running shortly after", "The job of an investigation", None),
    ("G23", "The job is running shortly after", "Investigations opened one after the other", None),
    ("G23", "The job is running shortly after", "There is no live data", None),
    ("G23", "The job is running shortly after", "The client opens 200 investigations", None),
    ("G23", "The job is running shortly after", "A fibre is connected", None),
    ("G23", "A window that ends <where> is refused", "The window ends <where>", None),
    ("G24", "| before it opens", "| before\\nit opens", None),
    ("G03", "", "", "somewhere"),
]


@pytest.mark.parametrize(("rule", "old", "new", "folder"), BAD)
def test_a_small_change_breaks_the_rule(tmp_path: Path, rule: str, old: str, new: str, folder: str | None) -> None:
    assert old in GOOD
    assert rule in rules_broken(tmp_path, GOOD.replace(old, new, 1), folder or "job_lifecycle")


@pytest.mark.parametrize(
    "title",
    [
        "A fibre is told within its limit",
        "There is an index by start time",
        "The investigations of a client answer",
        "Nothing of the 200 investigations is left",
    ],
)
def test_a_title_that_states_an_outcome_is_none(tmp_path: Path, title: str) -> None:
    assert rules_broken(tmp_path, GOOD.replace("The job is running shortly after", title)) == set()


def test_every_rule_has_a_bad_example() -> None:
    rules = {rule.__name__[:3].upper() for rule in (*FILE_RULES, *SUITE_RULES)}
    assert rules | {"G00"} == {rule for rule, *_ in BAD}


def test_a_journey_may_have_several_events_and_be_long(tmp_path: Path) -> None:
    long = GOOD.replace("@smoke", "@journey").replace(
        "200 investigations\n",
        "one\n      And a client opens another\n      And a client opens a third\n"
        "      Then it opens\n      When it is closed\n",
    )
    assert rules_broken(tmp_path, long) == set()


def test_ids_and_titles_are_compared_over_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        path = tmp_path / "job_lifecycle" / f"{name}.feature"
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD, encoding="utf-8")
    findings = lint(sorted(tmp_path.rglob("*.feature")))
    assert {finding.rule for finding in findings} == {"G02", "G16", "G20"}
    assert str(findings[0]).endswith(f"is already the id of {tmp_path}/job_lifecycle/one.feature:13")


def test_the_command_names_place_and_rule_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "job_lifecycle" / "open.feature"
    path.parent.mkdir()
    path.write_text(GOOD.replace("@smoke", "@smok"), encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{path}:12: G04 @smok is not in support/gherkin/dictionary.py\n"
    path.write_text(GOOD, encoding="utf-8")
    assert main([str(tmp_path)]) == 0


def test_nothing_to_check_is_wrong_use(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "missing")]) == 2
