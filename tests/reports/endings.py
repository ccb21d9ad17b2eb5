"""Small projects, one for each unusual way a run can end. Each runs once, and each report must show its end."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from behave_project import STEPS, BehaveProject, Outcome
from passing_project import FEATURE, OTHER

SECRET = "hunter2-s3cret"
PASSING = {"job_lifecycle/a.feature": FEATURE, "validation/b.feature": OTHER}
BASE_HOOKS = f"""
from support.reporting.record import context as reporting
from support.reporting.record.known import KnownIssue
import datetime
def prepare():
    run = reporting.current()
    run.environment = "fixture"
    run.redact = lambda text: text.replace({SECRET!r}, "***")
    run.fingerprint = {{"title": "Fixture", "nodes": ["a", "b"], "git": None}}
"""
MORE_STEPS = f"""
@step("it waits")
def it_waits(context):
    import select
    print("waiting", file=sys.__stdout__, flush=True)
    for _ in range(400): select.select([], [], [], 0.05)

@step("it is not for here")
def not_for_here(context): context.scenario.skip("no kafka, says the step")

@step("it fails with a secret")
def secret(context): raise AssertionError("refused {SECRET} <b>bold</b> | cell `code`")

@step("it fails at length")
def long(context): raise AssertionError("\\n".join(f"line {{n}} of many" for n in range(400)))

@step("it has a table")
def table(context): pass

@step("it is not written yet")
def pending(context):
    from behave.api.pending_step import StepNotImplementedError
    raise StepNotImplementedError("later")
"""


@dataclass(frozen=True)
class Ending:
    """One ending of a run.

    ``told`` must appear in each report that gives reasons. ``code`` is the exit code; None stands for any except 0.
    """

    what: str
    code: int | None
    told: str = ""
    features: Mapping[str, str] = field(default_factory=lambda: PASSING)
    hooks: str = ""
    arguments: tuple[str, ...] = ()
    signal: signal.Signals | None = None

    def run(self, folder: Path) -> Outcome:
        hooks = BASE_HOOKS + (self.hooks or "def before_all(context): prepare()\n")
        project = BehaveProject(folder).write(dict(self.features), hooks, STEPS + MORE_STEPS)
        if self.signal is not None:
            return project.run_and_send(self.signal, "waiting", publish="all")
        return project.run(*self.arguments, publish="all")


def hook(name: str, message: str = "boom", only: str = "") -> str:
    """A hook that raises after the preparation is complete."""
    first = "def before_all(context): prepare()\n" if name != "before_all" else ""
    ready = "prepare(); " if name == "before_all" else ""
    condition = f"if {only}: " if only else ""
    return f"{first}def {name}(context, *args):\n    {ready}{condition}raise RuntimeError({message!r})\n"


def one(step: str, tags: str = "@JL-09a") -> dict[str, str]:
    return {
        "job_lifecycle/a.feature": f"Feature: F\n  Rule: R\n    {tags}\n    Scenario: S\n      When {step}\n",
        **OTHERS,
    }


OTHERS = {"validation/b.feature": OTHER}
BACKGROUND = """
    Feature: F
      Background:
        Given it works
      Rule: R
        Background:
          Given it says not ready
        @JL-08a
        Example: Behind a broken background
          When it works
    """
OUTLINE = """
    Feature: Outline
      Rule: Rows of one rule
        @JL-07a @TEST_PZ-7 @REQ_PZ-8
        Scenario Outline: Row <n>
          When it <what>
          Examples: first
            | n | what      | reason |
            | 1 | works     | usual  |
            | 2 | says late | odd    |
          Examples: second
            | n | what  | reason |
            | 3 | works | again  |
    """
TABLE_ROWS = "".join(f"            | {number} | {'x' * 40} |\n" for number in range(400))
TABLE = f"""
    Feature: Much data
      @JL-06a
      Scenario: A huge table and a text
        Given it has a table
            | number | value |
{TABLE_ROWS}
        Given it has a table
          \"\"\"
          some text with {SECRET}
          \"\"\"
        When it fails at length
    """
MARKUP = """
    Feature: Names <b>&amp; "quotes" | pipe %0A ::error::
      Rule: <script>alert(1)</script> [link](https://example.org) @everyone #1
        @PV-01a
        Scenario: Ünïcødé 日本 𝄞 <script> & \x07 bell \x1b[31m ]]> `x` | %25 a:b,c
          When it says \x1b[2J clear & <tag> | ]]> ``` fence \u202e turned
    """
KNOWN = """
def before_all(context):
    prepare()
    far = datetime.date(2999, 1, 1)
    reporting.current().known_issues.append(KnownIssue("JL-09a", "PZ-99", far, "slow"))
"""
LEFTOVER = """
def before_all(context):
    prepare()
    reporting.current().leftovers.append("job 1-16")
"""
CLEAN_UP = """
def stop(): raise OSError("still there")
def before_all(context): prepare(); context.add_cleanup(stop)
"""
SKIPPING = """
def before_all(context): prepare()
def before_scenario(context, scenario): scenario.skip("no cluster")
"""
ABORTING = """
def before_all(context): prepare()
def after_scenario(context, scenario): context.abort(reason="enough")
"""
REFUSED = """
class Unusable(Exception): exit_code = 2
def before_all(context): raise Unusable("environments/x.yaml: limits: unknown key")
"""
ENDINGS = (
    Ending("everything passes", 0),
    Ending("a step fails", 1, "wanted this", one("it says wanted this")),
    Ending("a step breaks", 1, "no connection", one("it breaks")),
    Ending("a step is undefined", 1, "no step definition", one("nobody wrote this")),
    Ending("a step is pending", 1, "not implemented yet", one("it is not written yet")),
    Ending("a scenario without steps", 1, "no steps", {"a/a.feature": "Feature: F\n  @JL-09a\n  Scenario: S\n"}),
    Ending("a scenario without an id", 1, "wanted this", one("it says wanted this", "@smoke")),
    Ending("a step skips the scenario", 0, "no kafka, says the step", one("it is not for here")),
    Ending("a known issue fails", 0, "PZ-99", one("it says slow"), KNOWN),
    Ending("a known issue passes", 1, "PZ-99", one("it works"), KNOWN),
    Ending("a background of a rule fails", 1, "not ready", {"job_lifecycle/a.feature": BACKGROUND}),
    Ending("a row of an outline fails", 1, "late", {"job_lifecycle/a.feature": OUTLINE}),
    Ending("a huge table and a long text", 1, "line 1 of many", {"job_lifecycle/a.feature": TABLE}),
    Ending("markup, control characters and other scripts", 1, "clear", {"prelaunch_validation/a.feature": MARKUP}),
    Ending("a secret in a failure", 1, "refused ***", one("it fails with a secret")),
    *(
        Ending(f"{name} fails", 1, "boom", hooks=hook(name))
        for name in (
            *("before_all", "before_feature", "after_feature", "before_rule", "after_rule", "before_scenario"),
            *("after_scenario", "before_step", "after_step", "after_all", "before_tag", "after_tag"),
        )
    ),
    Ending("a hook tells a secret", 1, "***", hooks=hook("after_all", f"kept {SECRET}")),
    Ending("a clean-up of a scenario fails", 1, "janitor", one("it is left to the janitor")),
    Ending(
        "a clean-up of the run fails",
        1,
        "still there",
        hooks=CLEAN_UP,
    ),
    Ending("something is left over", 1, "job 1-16", hooks=LEFTOVER),
    Ending(
        "everything is skipped",
        1,
        "no cluster",
        hooks=SKIPPING,
    ),
    Ending("Ctrl-C in a step", None, "interrupted", one("the user presses Ctrl-C")),
    Ending("SIGTERM in a step", None, "interrupted", one("it waits"), signal=signal.SIGTERM),
    Ending("sys.exit in a step", 1, "sys.exit(0)", one("the step leaves")),
    Ending(
        "a hook aborts the run",
        1,
        "aborted",
        hooks=ABORTING,
    ),
    Ending(
        "a feature cannot be parsed",
        1,
        "ParserError",
        {"a/a.feature": "Feature: F\n  Scenario: S\n  Rulee: x\n    When y\n    z"},
    ),
    Ending("the configuration cannot be used", 2, hooks=REFUSED),
)
