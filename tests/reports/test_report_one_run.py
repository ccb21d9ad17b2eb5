"""One run with a scenario of each kind, checked in the record, the console and JUnit."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from behave_project import BehaveProject, Outcome

FEATURES = {
    "job_lifecycle/open.feature": """
        @JL
        Feature: A job is opened

          Background:
            Given it works

          Rule: One job for each investigation
            Background:
              Given it works

            @JL-01a @smoke
            Example: It passes
              When it works

            @JL-01b
            Example: It fails
              When it says wanted Running, saw Pending
              Then it works

            @JL-02a
            Example: It breaks
              When it breaks

            @JL-02b
            Example: Nobody wrote the step
              When nobody wrote this

            @JL-03a @needs_kafka
            Example: It needs something
              When it works

            @JL-04a
            Scenario Outline: Row <word>
              When it says <word>

              @slow
              Examples: first
                | word |
                | one  |
                | two  |

              Examples: second
                | word  |
                | three |

            @JL-05a
            Example: Checked afterwards
              When it works

            @JL-05b
            Example: Not released
              When it is left to the janitor

            @JL-05c
            Example: Prepared badly
              When it works

            @JL-05d
            Example: Watched badly
              When it works
        """,
    "prelaunch_validation/names.feature": """
        @PV
        Feature: Names <b>&amp; "quotes"

          @PV-01a
          Scenario: Ünïcødé 日本 <script> & \x07 bell \x1b[31m ]]>
            When it says a \x1b[2J clear & <tag>

          @PV-02a
          Scenario: Known to fail
            When it says too late

          @PV-02b
          Scenario: Known, but works
            When it works

          @PV-02c
          Scenario: Known too long
            When it says too late

          @PV-02d
          Scenario: Known, but not released
            When it is left to the janitor
            Then it says too late

          @PV-02e
          Scenario Outline: Known row <n>
            When it <what>

            Examples: rows
              | n | what      |
              | 1 | works     |
              | 2 | says slow |

          @PV-02f
          Scenario: Known to fail otherwise
            When it says never

          @PV-03a
          Scenario: Empty
        """,
}
HOOKS = """
    import datetime
    from support.reporting.record.context import current
    from support.reporting.record.known import KnownIssue
    from support.reporting.record.identity import identify

    def before_all(context):
        run = current()
        run.environment = "fixture"
        run.fingerprint = {"server": "1.2"}
        years = {"PV-02a": 2999, "PV-02b": 2999, "PV-02c": 2001, "PV-02d": 2999, "PV-02e.2": 2999, "PV-02f": 2999}
        for scenario, year in years.items():
            seen = "slow" if scenario == "PV-02e.2" else "too late"
            day = datetime.date(year, 1, 1)
            run.known_issues.append(KnownIssue(scenario, "PZ-1", day, seen, notice="slow start"))

    def before_scenario(context, scenario):
        if "needs_kafka" in scenario.effective_tags:
            scenario.skip("fixture declares no kafka")
        if "JL-05c" in scenario.tags:
            raise ValueError("no room")

    def before_step(context, step):
        if "JL-05d" in context.scenario.tags:
            raise ValueError("no watch")

    def after_scenario(context, scenario):
        if "JL-01b" in scenario.tags:
            current().add_evidence(identify(scenario).id, "reports/evidence/JL-01b/journal.json")
        if "JL-05a" in scenario.tags:
            raise RuntimeError("2 pods restarted")
"""
STATUSES = {
    "JL-01a": "passed",
    "JL-01b": "failed",
    "JL-02a": "error",
    "JL-02b": "error",
    "JL-03a": "skipped",
    "JL-04a.1": "failed",
    "JL-04a.2": "failed",
    "JL-04a.3": "failed",
    "JL-05a": "error",
    "JL-05b": "error",
    "JL-05c": "error",
    "JL-05d": "error",
    "PV-01a": "failed",
    "PV-02a": "known_issue",
    "PV-02b": "unexpected_pass",
    "PV-02c": "failed",
    "PV-02d": "error",
    "PV-02e.1": "passed",
    "PV-02e.2": "known_issue",
    "PV-02f": "failed",
    "PV-03a": "error",
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return BehaveProject(tmp_path_factory.mktemp("project")).write(FEATURES, HOOKS).run()


def test_every_scenario_has_its_true_status_in_the_order_of_the_features(outcome: Outcome) -> None:
    assert {entry["id"]: entry["status"] for entry in outcome.checked["scenarios"]} == STATUSES
    assert [entry["id"] for entry in outcome.checked["scenarios"]] == list(STATUSES)
    assert (outcome.code, outcome.checked["verdict"]) == (1, "failed")


@pytest.mark.parametrize(
    ("scenario_id", "reason"),
    [
        ("JL-01a", None),
        ("JL-01b", "When it says wanted Running, saw Pending: wanted Running, saw Pending"),
        ("JL-02a", "When it breaks: RuntimeError: no connection"),
        ("JL-02b", "When nobody wrote this: no step definition matches this text"),
        ("JL-03a", "fixture declares no kafka"),
        ("JL-05a", "after_scenario: RuntimeError: 2 pods restarted"),
        ("JL-05b", "clean-up: RuntimeError: the janitor did not come"),
        ("JL-05c", "before_scenario: ValueError: no room"),
        ("PV-02a", "PZ-1: slow start (known until 2999-01-01)\nWhen it says too late: too late"),
        ("PV-02b", "passed although PZ-1 is listed as a known issue: remove it from the list"),
        ("PV-02c", "When it says too late: too late\n(the known issue PZ-1 expired on 2001-01-01)"),
        ("PV-02f", "When it says never: never\n(the known issue PZ-1 is another failure of it: too late)"),
        ("PV-02d", "Then it says too late: too late\nclean-up: RuntimeError: the janitor did not come"),
        ("PV-03a", "the scenario has no steps, so it checks nothing"),
    ],
)
def test_the_reason_says_what_happened(outcome: Outcome, scenario_id: str, reason: str | None) -> None:
    assert outcome.scenario(scenario_id)["reason"] == reason


def test_a_failing_step_hook_is_named(outcome: Outcome) -> None:
    assert "before_step: ValueError: no watch" in outcome.scenario("JL-05d")["reason"]


def test_an_entry_carries_everything_the_stable_interface_promises(outcome: Outcome) -> None:
    entry = outcome.scenario("JL-04a.2")
    assert entry["requirement"] == "JL-04"
    assert entry["rule"] == "One job for each investigation"
    assert entry["tags"] == ["JL", "JL-04a", "slow"]
    assert entry["feature"] == "features/job_lifecycle/open.feature"
    assert entry["line"] == 41
    assert [step["name"] for step in entry["steps"]] == ["it works", "it works", "it says two"]
    assert outcome.scenario("JL-01b")["evidence"] == ["reports/evidence/JL-01b/journal.json"]
    assert [step["status"] for step in outcome.scenario("JL-01b")["steps"]] == ["passed", "passed", "failed", "skipped"]
    assert outcome.scenario("PV-02a")["rule"] is None


def test_the_run_says_where_it_ran_and_counts_by_requirement(outcome: Outcome) -> None:
    record = outcome.checked
    assert (record["environment"], record["fingerprint"]) == ("fixture", {"server": "1.2"})
    assert record["started"] <= record["finished"]
    assert record["requirements"]["JL-01"] == {"verdict": "failed", "passed": 1, "failed": 1}
    assert record["requirements"]["JL-03"] == {"verdict": "skipped", "skipped": 1}
    assert record["suite"] == {"errors": []}


@pytest.mark.parametrize(
    ("scenario_id", "word"),
    [
        ("JL-01a", "passed"),
        ("JL-05a", "error"),
        ("JL-05b", "error"),
        ("JL-05c", "error"),
        ("PV-02a", "known issue"),
        ("PV-02b", "unexpected pass"),
        ("JL-04a.3", "failed"),
    ],
)
def test_the_console_prints_the_final_status(outcome: Outcome, scenario_id: str, word: str) -> None:
    assert outcome.line(scenario_id).split(None, 1)[1].startswith(word)


def test_the_console_prints_each_scenario_once_and_its_failure_right_below(outcome: Outcome) -> None:
    lines = outcome.out.splitlines()
    for scenario_id in STATUSES:
        assert sum(line.startswith(f"  {scenario_id} ") for line in lines) == 1, scenario_id
    at = lines.index(outcome.line("JL-01b"))
    assert lines[at + 1 : at + 4] == [
        "      When it says wanted Running, saw Pending: wanted Running, saw Pending",
        "      see features/job_lifecycle/open.feature:17",
        "      see reports/evidence/JL-01b/journal.json",
    ]


def test_the_console_ends_with_verdict_and_requirements(outcome: Outcome) -> None:
    end = outcome.out[outcome.out.index("FAILED:") :]
    assert end.startswith("FAILED: 7 failed; 8 ended with an error; 1 passed although listed as a known issue.\n")
    assert "    1  fixture declares no kafka: JL-03a" in end
    assert "  JL-01    1 passed  1 failed" in end
    assert "21 scenarios on fixture: 2 passed, 7 failed, 8 error, 1 skipped, 2 known issue, 1 unexpected pass." in end


def test_nothing_on_the_console_can_move_a_terminal(outcome: Outcome) -> None:
    assert "\x1b" not in outcome.out
    assert "\x07" not in outcome.out
    assert "Ünïcødé 日本 <script> & \\x07 bell \\x1b[31m ]]>" in outcome.out


def test_junit_tells_the_same(outcome: Outcome) -> None:
    assert outcome.junit is not None
    root = ElementTree.fromstring(outcome.junit)
    assert [suite.get("name") for suite in root] == ["job_lifecycle", "prelaunch_validation", "suite"]
    cases = {(case.get("name") or "").split()[0]: case for case in root.iter("testcase")}
    assert [child.tag for child in cases["JL-01a"]] == []
    assert (cases["JL-01b"][0].tag, cases["JL-01b"][0].get("message")) == (
        "failure",
        "When it says wanted Running, saw Pending: wanted Running, saw Pending",
    )
    assert (cases["JL-05b"][0].tag, cases["PV-02b"][0].tag) == ("error", "failure")
    assert (cases["JL-03a"][0].tag, cases["JL-03a"][0].get("message")) == ("skipped", "fixture declares no kafka")
    assert cases["PV-02a"][0].tag == "skipped"
    assert cases["PV-01a"].get("name") == "PV-01a Ünïcødé 日本 <script> & \\x07 bell \\x1b[31m ]]>"
    assert list(cases["suite:"]) == []
    counted = [
        sum(status in wanted for status in STATUSES.values())
        for wanted in (("failed", "unexpected_pass"), ("error",), ("skipped", "known_issue"))
    ]
    assert [root.get(name) for name in ("failures", "errors", "skipped")] == [str(number) for number in counted]


def test_no_other_file_is_left_behind(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> None:
    project = BehaveProject(tmp_path_factory.mktemp("clean")).write(FEATURES, HOOKS)
    project.run("--tags=@JL-01a")
    assert sorted(path.name for path in project.folder.iterdir()) == [
        "environment.py",
        "features",
        "pyproject.toml",
        "reports",
        "steps",
    ]
    kept = sorted(path.name for path in (project.folder / "reports").iterdir())
    assert kept == ["junit.xml", "latest", "run.json", "runs"]
