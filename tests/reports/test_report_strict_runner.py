"""Runs that must be red although no step failed, and the reports they leave behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from behave_project import ROOT, STEPS, BehaveProject
from passing_project import errors, passing_project, statuses, with_hooks

from support.hooks import launch


@pytest.fixture
def project(tmp_path: Path) -> BehaveProject:
    return passing_project(tmp_path)


def test_a_good_run_is_green(project: BehaveProject) -> None:
    outcome = project.run()
    assert outcome.code == 0, outcome.out
    assert outcome.checked["verdict"] == "passed"
    assert set(statuses(outcome).values()) == {"passed"}
    assert "PASSED: 3 of 3 scenarios passed." in outcome.out
    assert outcome.junit is not None
    assert 'failures="0" errors="0"' in outcome.junit


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("after_all", {"JL-01a": "passed", "JL-01b": "passed", "PV-01a": "passed"}),
        ("after_feature", {"JL-01a": "passed", "JL-01b": "passed", "PV-01a": "passed"}),
        ("before_all", {"JL-01a": "error", "JL-01b": "error", "PV-01a": "error"}),
        ("before_feature", {"JL-01a": "error", "JL-01b": "error", "PV-01a": "error"}),
        ("before_rule", {"JL-01a": "error", "JL-01b": "error", "PV-01a": "passed"}),
    ],
)
def test_a_broken_hook_makes_the_run_red(project: BehaveProject, hook: str, expected: dict[str, str]) -> None:
    outcome = with_hooks(project, f"def {hook}(context, *args): raise RuntimeError('boom')").run()
    assert (outcome.code, outcome.checked["verdict"]) == (1, "failed")
    assert (hook, "RuntimeError: boom") in errors(outcome)
    assert statuses(outcome) == expected
    assert f"  - {hook}: RuntimeError: boom" in outcome.out
    assert "By user" not in outcome.out
    assert outcome.junit is not None
    suite_case = list(ElementTree.fromstring(outcome.junit).iter("testcase"))[-1]
    assert (suite_case[0].tag, suite_case[0].get("message")) == ("error", f"{hook}: RuntimeError: boom")


def test_scenarios_behind_a_broken_feature_hook_say_why_they_did_not_run(project: BehaveProject) -> None:
    outcome = with_hooks(
        project,
        """
        def before_feature(context, feature):
            if feature.name == "Another":
                raise RuntimeError("boom")
    """,
    ).run()
    assert outcome.scenario("PV-01a")["reason"] == "not run: a hook of the feature failed"
    assert outcome.line("PV-01a").split()[1] == "error"
    assert statuses(outcome)["JL-01a"] == "passed"


@pytest.mark.parametrize("layer", ["testrun", "feature"])
def test_a_failing_clean_up_outside_of_scenarios_makes_the_run_red(project: BehaveProject, layer: str) -> None:
    hook = "before_all(context)" if layer == "testrun" else "before_feature(context, feature)"
    outcome = with_hooks(
        project,
        f"""
        def stop_server(): raise OSError("still there")
        def {hook}: context.add_cleanup(stop_server)
    """,
    ).run()
    assert outcome.code == 1
    assert ("clean-up stop_server", "OSError: still there") in errors(outcome)
    assert set(statuses(outcome).values()) == {"passed"}


@pytest.mark.parametrize("where", ["before_all", "after_all"])
def test_leftovers_make_the_run_red(project: BehaveProject, where: str) -> None:
    outcome = with_hooks(
        project,
        f"""
        from support.reporting.record.context import current
        def {where}(context): current().leftovers.append({{"kind": "Job", "name": "grpc-job-3-17"}})
    """,
    ).run()
    assert outcome.code == 1
    assert outcome.checked["leftovers"] == [{"kind": "Job", "name": "grpc-job-3-17"}]
    assert "FAILED: 1 leftover could not be removed." in outcome.out
    assert "grpc-job-3-17" in (outcome.junit or "")


SETTINGS = (
    "confirm, env, history, load_listen, load_profile, load_within_s, load_workers, parallel, publish, reports, "
    "sandbox_run_file, series, shard, shard_plan, shuffle, slow, under_load"
)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tags=@JL-77x"], "nothing ran: no scenario matches --tags=@JL-77x in features; did you mean @JL-01?"),
        (["--tags=@JL-77"], "nothing ran: no scenario matches --tags=@JL-77 in features; did you mean @JL-01?"),
        (["--tags=@nothing"], "--tags=@nothing names @nothing, which is not in the tag dictionary"),
        (
            ["--name=pases too"],
            "nothing ran: no scenario matches --name=pases too in features; did you mean It passes too?",
        ),
        (["features/nosuch"], "features/nosuch: there is no such file or folder"),
        (["features/nosuch.feature:3"], "features/nosuch.feature:3: there is no such file or folder"),
        (["-D", "evn=staging"], f"-D evn=staging: there is no setting evn; did you mean env? allowed: {SETTINGS}"),
        (["-D", "sandbox_run_file="], "-D sandbox_run_file=: it is empty; leave it out, or say what it is"),
        (["-i", "nosuch"], "nothing ran: no scenario matches --include=nosuch in features"),
        (["--lang=xx"], "--lang=xx: the features are written in en; leave it out"),
        (["-n", ""], "--name=: it is empty; leave it out, or say what is looked for"),
        (["-i", " "], "--include=: it is empty; leave it out, or say what is looked for"),
        (["-D", "slow=maybe"], "-D slow=maybe: allowed is yes"),
    ],
)
def test_what_selects_nothing_is_refused_and_leaves_the_last_reports(
    project: BehaveProject, arguments: list[str], sentence: str
) -> None:
    project.run(publish="all")
    before = {path: path.read_bytes() for path in (project.folder / "reports").rglob("*") if path.is_file()}
    outcome = project.run(*arguments)
    assert (outcome.code, outcome.err.strip()) == (2, sentence)
    assert {path: path.read_bytes() for path in (project.folder / "reports").rglob("*") if path.is_file()} == before


def test_a_requirement_selects_its_scenarios(project: BehaveProject) -> None:
    assert set(statuses(project.run("--tags=@JL-01"))) == {"JL-01a", "JL-01b"}
    assert set(statuses(project.run("--tags=@JL-01 and not @JL-01b"))) == {"JL-01a"}


@pytest.mark.parametrize("settings", ["tags = @JL-01a", "dry_run = true", "name = passes too", "junit = true"])
def test_settings_from_outside_of_the_checkout_are_refused(
    project: BehaveProject, tmp_path: Path, settings: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".behaverc").write_text(f"[behave]\n{settings}\n", encoding="utf-8")
    outcome = project.run(HOME=str(home))
    assert outcome.code == 2
    assert outcome.err.startswith(f"{home}/.behaverc: behave would take {settings.split(' ')[0]} from there")
    assert project.run(BEHAVE_STAGE="product").code == 2
    staged = project.run("--stage=product")
    assert (staged.code, staged.err.split(":")[0]) == (2, "--stage=product")


INI, TOML = "[behave]\ntags = @JL-01a\n", "[tool.behave]\ntags = ['@JL-01a']\n"
FORMATTERS = (
    "[behave.formatters]\nconsole = support.reporting.writers.console:Console\n"
    "record = support.reporting.formatter:RunRecord\n"
)
"""Without these, behave 1.3.3 ignores the formatters of pyproject.toml, and exits before any code of ours is loaded."""


INIS = ("behave.ini", ".behaverc", "setup.cfg", "tox.ini")


@pytest.mark.parametrize(
    ("where", "name", "content"),
    [
        *(("home", name, INI) for name in INIS),
        *(("checkout", name, INI + FORMATTERS) for name in INIS),
        ("home", "pyproject.toml", TOML),
    ],
)
def test_no_file_beside_that_of_the_suite_says_what_runs(
    project: BehaveProject, tmp_path: Path, where: str, name: str, content: str
) -> None:
    folder = project.folder if where == "checkout" else tmp_path / "home"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content, encoding="utf-8")
    outcome = project.run(HOME=str(tmp_path / "home"))
    assert outcome.code == 2
    assert f"{name}: behave would take " in outcome.err and "tags from there" in outcome.err


@pytest.mark.parametrize("name", INIS)
def test_a_file_that_tells_behave_nothing_is_left_alone_or_ends_it(
    project: BehaveProject, tmp_path: Path, name: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / name).write_text("[tox]\nenvlist = py311\n", encoding="utf-8")
    assert project.run(HOME=str(home)).code == 0
    (project.folder / name).write_text("[tox]\nenvlist = py311\n", encoding="utf-8")
    assert project.run().code == 2  # with behave's own message: no verdict depends on it


@pytest.mark.parametrize(
    ("where", "name", "content", "sentence"),
    [
        (
            "home",
            ".behaverc",
            "tags = @JL-01a\n",
            "cannot: File contains no section headers; correct it or move it away",
        ),
        ("home", "tox.ini", "[behave]\n[behave]\n", "cannot: While reading from"),
        ("home", ".behaverc", INI, "behave would take tags from there"),
        ("checkout", "setup.cfg", "[tox]\n", "setup.cfg: behave forgets the formatters of pyproject.toml"),
        ("checkout", "behave.ini", "[behave\n", "cannot: File contains no section headers"),
    ],
)
def test_make_says_in_one_sentence_what_behave_would_end_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, name: str, content: str, sentence: str,
) -> None:  # fmt: skip
    for place in ("home", "checkout"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert launch.refusal_of("") is None
    (tmp_path / where / name).write_text(content, encoding="utf-8")
    told = launch.refusal_of("")
    assert told is not None and sentence in told and name in told and "\n" not in told


def test_the_record_says_what_was_asked_for(project: BehaveProject) -> None:
    assert project.run().checked["selection"]["complete"] is True
    part = project.run("--tags=@JL-01a").checked["selection"]
    assert part == {"tags": "@JL-01a", "names": [], "paths": ["features"], "complete": False}


def test_an_outline_without_a_row_makes_the_run_red(project: BehaveProject) -> None:
    feature = "Feature: F\n  @JL-09a\n  Scenario Outline: S <n>\n    When it works\n"
    outcome = project.write({"job_lifecycle/rows.feature": feature}).run()
    assert outcome.code == 1
    where = "features/job_lifecycle/rows.feature:3"
    assert errors(outcome) == [("features", f"{where}: the outline 'S <n>' has no row, so nothing of it runs")]


def test_a_part_of_the_suite_leaves_the_site_of_the_whole(project: BehaveProject) -> None:
    project.run(publish="all")
    site = project.folder / "reports" / "site" / "index.html"
    before = site.read_bytes()
    outcome = project.run("--tags=@JL-01a", publish="all")
    own = next(line for line in outcome.out.splitlines() if line.startswith("Site: ")).removeprefix("Site: ")
    assert site.read_bytes() == before
    assert own.startswith("reports/runs/") and (project.folder / own).read_bytes() != before
    assert [one["id"] for one in outcome.checked["scenarios"]] == ["JL-01a"]


def test_two_runs_in_one_checkout_do_not_take_files_from_each_other(project: BehaveProject) -> None:
    project.run()
    project.run()
    folders = sorted((project.folder / "reports" / "runs").iterdir())
    assert len(folders) == 2
    assert [(folder / "run.json").is_file() for folder in folders] == [True, True]
    assert (project.folder / "reports" / "latest").read_text().strip() == f"runs/{folders[1].name}"


def test_a_run_of_skipped_scenarios_only_is_red_and_says_why_they_were_skipped(project: BehaveProject) -> None:
    outcome = with_hooks(
        project,
        """
        def before_scenario(context, scenario): scenario.skip("sandbox declares no kafka")
    """,
    ).run()
    assert outcome.code == 1
    assert errors(outcome) == [
        ("run", "nothing ran: every selected scenario was skipped: sandbox declares no kafka (3)")
    ]
    assert set(statuses(outcome).values()) == {"skipped"}


def test_skipped_beside_passed_is_green(project: BehaveProject) -> None:
    outcome = with_hooks(
        project,
        """
        def before_scenario(context, scenario):
            if "JL-01a" not in scenario.tags:
                scenario.skip("sandbox declares no kafka")
    """,
    ).run()
    assert outcome.code == 0
    assert "PASSED: 1 of 3 scenarios passed, 2 skipped." in outcome.out
    assert "    2  sandbox declares no kafka: JL-01b, PV-01a" in outcome.out


@pytest.mark.parametrize(
    ("ran", "year", "code", "status"),
    [
        ("says no", 2999, 0, "known_issue"),
        ("works", 2999, 1, "unexpected_pass"),
        ("says no", 2001, 1, "failed"),
        ("works", 2001, 1, "unexpected_pass"),
        ("says another", 2999, 1, "failed"),
    ],
)
def test_a_known_issue_decides_the_exit_code(
    project: BehaveProject, ran: str, year: int, code: int, status: str
) -> None:
    feature = f"Feature: F\n  @JL-09a\n  Scenario: S\n    When it {ran}\n"
    outcome = project.write(
        {"job_lifecycle/known.feature": feature},
        f"""
        import datetime
        from support.reporting.record.context import current
        from support.reporting.record.known import KnownIssue
        def before_all(context):
            current().known_issues.append(KnownIssue("JL-09a", "PZ-7", datetime.date({year}, 1, 1), "no: no"))
    """,
    ).run("--tags=@JL-09a")
    assert (outcome.code, statuses(outcome)) == (code, {"JL-09a": status})


def test_a_configuration_that_cannot_be_used_ends_with_its_sentence_and_exit_code(project: BehaveProject) -> None:
    outcome = with_hooks(
        project,
        """
        class Unusable(Exception):
            exit_code = 2
        def before_all(context): raise Unusable("staging.yaml: line 4: unknown key 'gpus'")
    """,
    ).run()
    assert outcome.code == 2
    assert outcome.err.strip() == "staging.yaml: line 4: unknown key 'gpus'"
    assert "Traceback" not in outcome.out
    assert "ABORTED" not in outcome.out
    assert outcome.record is None


@pytest.mark.parametrize("text", ["@a and", "(@a", "@a @b"])
def test_behave_itself_refuses_a_malformed_tag_expression_without_traceback(project: BehaveProject, text: str) -> None:
    outcome = project.run(f"--tags={text}")
    assert outcome.code == 1
    assert outcome.out.startswith("TagExpressionError: ")
    assert "Traceback" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "job_lifecycle/broken.feature",
            "Feature: F\n  Scenario: S\n    When it works\n    Perhaps it works\n",
            "ParserError",
        ),
        ("../steps/broken.py", "import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_run_that_cannot_start_replaces_the_record_of_the_run_before(
    project: BehaveProject, name: str, text: str, told: str
) -> None:
    assert project.run().checked["verdict"] == "passed"
    outcome = project.write({name: text}).run()
    assert outcome.code == 1
    assert [where for where, _ in errors(outcome)] == ["start"]
    assert told in errors(outcome)[0][1]


def test_secrets_are_taken_out_of_every_reason(project: BehaveProject) -> None:
    outcome = project.write(
        {"job_lifecycle/secret.feature": "Feature: F\n  @JL-09a\n  Scenario: S\n    When it leaks\n"},
        """
        from support.reporting.record.context import current
        def before_all(context): current().redact = lambda text: text.replace("hunter2", "***")
        def after_all(context): raise RuntimeError("hunter2")
    """,
        STEPS + "\n@step('it leaks')\ndef leaks(context): raise AssertionError('hunter2')\n",
    ).run()
    assert outcome.scenario("JL-09a")["reason"] == "When it leaks: ***"
    assert "hunter2" not in outcome.out + str(outcome.record) + str(outcome.junit)


def test_a_dry_run_writes_nothing_and_shows_undefined_steps(project: BehaveProject) -> None:
    feature = "Feature: F\n  @JL-09a\n  Scenario: S\n    When nobody wrote this\n"
    outcome = project.write({"job_lifecycle/undefined.feature": feature}).run("--dry-run")
    assert outcome.code == 1
    assert outcome.record is None
    assert "undefined: When nobody wrote this  (features/job_lifecycle/undefined.feature:4)" in outcome.out
    assert project.run("--dry-run", "features/validation").code == 2


def test_places_select_as_tags_do(project: BehaveProject) -> None:
    assert statuses(project.run("features/job_lifecycle/a.feature:9")) == {"JL-01b": "passed"}
    assert statuses(project.run("--name=passes too")) == {"PV-01a": "passed"}


def test_the_reports_folder_can_be_chosen(project: BehaveProject) -> None:
    outcome = project.run("-D", "reports=out/here")
    assert outcome.code == 0
    assert outcome.record is None
    found = sorted(path.name for path in (project.folder / "out" / "here").iterdir())
    assert found == ["history", "junit.xml", "latest", "run.json", "runs", "whole-suite"]


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}]
)
def test_a_poor_locale_does_not_end_the_run(project: BehaveProject, environment: dict[str, str]) -> None:
    feature = "Feature: F\n  @JL-09a\n  Scenario: Glasfaser für Zürich\n    When it works\n"
    outcome = project.write({"job_lifecycle/locale.feature": feature}).run("--tags=@JL-09a", **environment)
    assert outcome.code == 0, outcome.err
    assert outcome.scenario("JL-09a")["name"] == "Glasfaser für Zürich"


@pytest.mark.parametrize(
    ("ran", "also", "status", "code"),
    [
        ("says no", ("logged an error",), "known_issue", 0),
        ("says no", (), "error", 1),
        ("says no", ("was restarted",), "error", 1),
        ("works", ("logged an error",), "error", 1),
    ],
)
def test_a_known_issue_excuses_a_check_after_the_scenario_only_if_it_says_so(
    project: BehaveProject, ran: str, also: tuple[str, ...], status: str, code: int
) -> None:
    """It is excused only if a step failed, too: otherwise a failure that the issue does not name would be hidden."""
    feature = f"Feature: F\n  @JL-09a\n  Scenario: S\n    When it {ran}\n"
    outcome = project.write(
        {"job_lifecycle/known.feature": feature},
        f"""
        import datetime
        from support.reporting.record.context import current
        from support.reporting.record.known import KnownIssue
        def before_all(context):
            current().known_issues.append(KnownIssue("JL-09a", "PZ-7", datetime.date(2999, 1, 1), "no", {also!r}))
        def after_scenario(context, scenario): raise AssertionError("the server logged an error")
    """,
    ).run("--tags=@JL-09a")
    assert (outcome.code, statuses(outcome)) == (code, {"JL-09a": status})
    assert "after_scenario: the server logged an error" in outcome.scenario("JL-09a")["reason"]


@pytest.mark.parametrize("folder", ["features", "docs", "elsewhere"])
def test_the_features_are_not_run_by_another_runner(tmp_path: Path, folder: str) -> None:
    place = tmp_path if folder == "elsewhere" else ROOT / folder
    done = subprocess.run(
        [sys.executable, "-m", "behave", str(ROOT / "features"), "--tags=@JL-03a"],
        cwd=place, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"behave was called in {place} with a runner that is not this suite's" in done.stderr
    assert "Traceback" not in done.stderr
