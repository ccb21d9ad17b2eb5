"""A run shows no secret, whether steps, hooks, libraries, behave or the exiting interpreter print it."""

from __future__ import annotations

from pathlib import Path

import pytest
from behave_project import STEPS, BehaveProject

SECRET = "pl4nted:/of a t@st"
SAYS = """
@step("too much is said")
def says(context):
    import logging, os, sys, warnings
    secret = os.environ["MY_PASSWORD"]
    print("printed", secret)
    print("printed", secret, file=sys.stderr)
    logging.getLogger("library").error("logged %s", secret)
    warnings.warn("warned of " + secret)
    context.add_cleanup(lambda: print("cleaned up", secret))
    raise AssertionError("failed for " + secret)
"""
HOOKS = """
import atexit, os
atexit.register(lambda: print("at the end", os.environ["MY_PASSWORD"]))
def before_all(context): print("begun with", os.environ["MY_PASSWORD"])
def after_scenario(context, scenario): raise ValueError("after " + os.environ["MY_PASSWORD"])
"""
FEATURE = "Feature: F\n  @JL-01a\n  Scenario: S\n    When too much is said\n"


@pytest.fixture
def project(tmp_path: Path) -> BehaveProject:
    return BehaveProject(tmp_path).write({"job_lifecycle/a.feature": FEATURE}, HOOKS, STEPS + SAYS)


@pytest.mark.parametrize("more", [(), ("--no-capture",), ("-f", "plain"), ("-f", "plain", "-o", "plain.txt")], ids=str)
def test_no_secret_is_shown(project: BehaveProject, more: tuple[str, ...]) -> None:
    outcome = project.run(*more, publish="all", MY_PASSWORD=SECRET)
    assert outcome.code == 1
    written = [path.read_text(errors="replace") for path in project.folder.rglob("*") if path.is_file()]
    texts = [outcome.out, outcome.err, *written]
    assert [text for text in texts if "pl4nted" in text] == []
    assert "begun with ***" in outcome.out and "at the end ***" in outcome.out
    assert "failed for ***" in outcome.scenario("JL-01a")["reason"]


def test_an_error_of_the_suite_itself_shows_none(project: BehaveProject) -> None:
    broken = "import os\nraise ValueError('broken by ' + os.environ['MY_PASSWORD'])\n"
    (project.folder / "environment.py").write_text(broken)
    outcome = project.run(MY_PASSWORD=SECRET)
    assert outcome.code != 0
    assert "Traceback" in outcome.out + outcome.err and "broken by ***" in outcome.out + outcome.err
    assert "pl4nted" not in outcome.out + outcome.err + str(outcome.record) + str(outcome.junit)
