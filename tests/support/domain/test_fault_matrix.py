"""The judgement on a fault: caught, missed, caught for another reason, or with unrelated failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from support.fault_catalogue import CatalogueError, Fault, chosen, load_catalogue
from support.gherkin.documents import read_documents
from tools.fault_matrix import command
from tools.fault_matrix.judgement import Run, judge
from tools.fault_matrix.plan import Control, Part, Plan, controls, divided
from tools.fault_matrix.rows import Row, rows_of, said_in_backlog_only, selection, watch_of
from tools.fault_matrix.stored import MATRIX, clear, write_verdicts
from tools.gherkin_lint.phrases import Outcomes


def fault(**changes: object) -> Fault:
    fields = {
        "id": "job-crashes",
        "requirement": "JL-01",
        "notice": "Jobs fail.",
        "scenarios": {"JL-01a": "is Failed"},
        "related": frozenset({"JL-02"}),
        "environment": {},
        "is_switch": True,
    }
    return Fault(**{**fields, **changes})  # type: ignore[arg-type]  # the fields are named above


def run(**statuses: tuple[str, str | None]) -> Run:
    scenarios = {
        name.replace("_", "-").replace("-row", "."): {
            "status": status,
            "reason": reason,
            "requirement": name[:5].replace("_", "-"),
        }
        for name, (status, reason) in statuses.items()
    }
    return Run(scenarios, 1.0)


def test_caught_for_its_reason() -> None:
    judgement = judge(fault(), run(JL_01a=("failed", "job 1-2 is Failed: x"), PV_01a=("passed", None)))
    assert judgement.caught


def test_expected_failure_that_did_not_come() -> None:
    judgement = judge(fault(), run(JL_01a=("passed", None)))
    assert judgement.missed == ("JL-01a",) and not judgement.caught


def test_scenario_that_did_not_run_is_missed() -> None:
    assert judge(fault(), run(PV_01a=("passed", None))).missed == ("JL-01a",)


def test_skipped_scenario_is_missed() -> None:
    assert judge(fault(), run(JL_01a=("skipped", "no cluster"))).missed == ("JL-01a",)


def test_failure_for_another_reason_does_not_count() -> None:
    judgement = judge(fault(), run(JL_01a=("error", "connection refused")))
    assert judgement.wrong_reason == {"JL-01a": "connection refused"} and not judgement.caught


def test_measurement_that_decided_nothing_has_caught_nothing() -> None:
    step = {"name": "it is fast", "status": "error", "error": "Inconclusive: the generator: is Failed"}
    entry = {"status": "error", "reason": "Then it is fast: Inconclusive: the generator: is Failed", "steps": [step]}
    judgement = judge(fault(), Run({"JL-01a": {**entry, "requirement": "JL-01"}}, 1.0))
    assert set(judgement.wrong_reason) == {"JL-01a"} and not judgement.proven


def test_related_requirements_may_fail_and_others_may_not() -> None:
    bad = ("failed", "is Failed")
    judgement = judge(fault(), run(JL_01a=bad, JL_01b=bad, JL_02a=bad, PV_01a=bad))
    assert set(judgement.unrelated) == {"PV-01a"} and not judgement.caught


def test_outline_stands_for_all_its_rows() -> None:
    rows = fault(scenarios={"PV-04a": "answered 200"}, requirement="PV-04")
    good, bad = ("passed", None), ("failed", "it was answered 200")
    assert judge(rows, run(PV_04a_row1=bad, PV_04a_row2=bad)).caught
    assert judge(rows, run(PV_04a_row1=bad, PV_04a_row2=good)).missed == ("PV-04a.2",)


def test_rows_that_failed_for_their_reason_are_proven() -> None:
    rows = fault(scenarios={"PV-04a": "answered 200"}, requirement="PV-04")
    bad, other = ("failed", "it was answered 200"), ("failed", "connection refused")
    judgement = judge(rows, run(PV_04a_row1=bad, PV_04a_row2=other))
    assert judgement.proven == {"PV-04a.1"} and judgement.expected == 2


def row(name: str, *tags: str, steps: int = 3) -> Row:
    return Row(name, f"features/{name[:2]}.feature:{sum(map(ord, name))}", frozenset(tags), steps)


def watches(rows: list[Row], faults: int = 60) -> list[list[str]]:
    """The rows that each of this number of faults watches."""
    return [[each.id for each in watch_of(rows, fault(id=f"fault-{number}"))] for number in range(faults)]


def test_of_what_is_unrelated_the_shortest_row_keeps_watch() -> None:
    rows = [row("PV-04a.1"), row("PV-04b", steps=2), row("JL-01a"), row("JL-02a"), row("PV-05a.1"), row("PV-05a.2")]
    assert {name for watch in watches(rows) for name in watch} == {"PV-04b", "PV-05a.1"}


def test_every_requirement_is_watched_with_every_eighth_fault() -> None:
    rows = [row("PV-04a"), row("PV-05a"), row("PV-06a")]
    found = watches(rows)
    for each in rows:
        assert 2 < sum(each.id in watch for watch in found) < 15
    assert found == watches(rows)


def test_what_is_costly_to_watch_is_watched_one_at_a_time() -> None:
    rows = [row("MD-03a", "disruptive"), row("SB-01a", "disruptive"), row("SB-04a", "disruptive")]
    found = watches(rows)
    assert {len(watch) for watch in found} == {1}
    assert {watch[0] for watch in found} == {"MD-03a", "SB-01a", "SB-04a"}


def test_what_measures_under_load_keeps_no_watch() -> None:
    rows = [row("PF-02a", "load", steps=1), row("PF-02b"), row("CA-01a", "load"), row("SB-02a", "load", "slow")]
    assert {name for watch in watches(rows) for name in watch} == {"PF-02b"}


def test_selection_holds_what_must_fail_and_the_watch_but_nothing_else_of_what_is_related() -> None:
    rows = [row("JL-01a"), row("JL-01b"), row("JL-02a"), row("PV-04a.1"), row("PV-04a.2"), row("PV-09a", "disruptive")]
    wanted = fault(scenarios={"JL-01a": "", "PV-04a": ""})
    assert [each.id for each in selection(wanted, rows)] == ["JL-01a", "PV-04a.1", "PV-04a.2", "PV-09a"]


def test_what_bears_no_neighbour_keeps_watch_where_the_fault_is_alone_anyway() -> None:
    rows = [row("JL-01a"), row("PF-01a", "load", "alone"), *(row(f"CA-{number}a", "alone") for number in range(10, 60))]
    beside, alone = fault(), fault(scenarios={"PF-01a": ""})
    assert [each.id for each in selection(beside, rows)] == ["JL-01a"]
    assert len(selection(alone, rows)) > 1 and all(each.is_apart for each in selection(alone, rows))


def test_rows_have_the_place_that_behave_selects_them_by(tmp_path: Path) -> None:
    lines = [
        "@JL", "Feature: F", "  Rule: R", "    @JL-01a", "    Example: one", "      When it", "      Then it",
        "    @JL-01b @negative", "    Scenario Outline: <n>", "      When <n>",
        "      Examples: A", "        | n |", "        | 1 |", "      Examples: B", "        | n |", "        | 2 |",
    ]  # fmt: skip
    (tmp_path / "jl").mkdir()
    (tmp_path / "jl" / "a.feature").write_text("\n".join(lines) + "\n")
    first, second, third = rows_of(read_documents(tmp_path))
    assert (first.id, first.place, first.steps) == ("JL-01a", "features/jl/a.feature:5", 2)
    assert (second.id, second.place) == ("JL-01b.1", "features/jl/a.feature:13")
    assert (third.id, third.place) == ("JL-01b.2", "features/jl/a.feature:16")
    assert third.tags == {"JL", "JL-01b", "negative"} and third.requirement == "JL-01"


def test_healthy_rows_are_those_that_run_with_a_fault_and_are_divided_between_features_only() -> None:
    rows = [row("JL-01a"), row("JL-01b"), row("PV-04a.1"), row("CF-01a")]
    assert [[each.id for each in share] for share in divided(rows, 2)] == [["JL-01a", "JL-01b", "CF-01a"], ["PV-04a.1"]]
    assert Plan({}, [fault()], rows, "", True, 2, 1, Path("x")).healthy_rows() == rows
    some = {each.id for each in Plan({}, [fault()], rows, "", False, 2, 1, Path("x")).healthy_rows()}
    assert "JL-01a" in some and "JL-01b" not in some


@pytest.mark.parametrize(("addresses", "at_work"), [("block", 4), ("one", 1)])
def test_a_sandbox_that_has_the_address_for_itself_works_alone(addresses: str, at_work: int) -> None:
    assert Plan({"addresses": addresses}, [fault()], [], "", False, 4, 1, Path("x")).at_work == at_work


def names(parts: Sequence[Part]) -> list[str]:
    return [part.name for part in parts]


def test_what_is_measured_under_load_what_waits_and_the_rest_are_apart() -> None:
    rows = [row("JL-01a"), row("JL-01b"), row("PF-01a", "load", "alone")]
    short, long = fault(id="short"), fault(id="long", scenarios={"JL-01a": "", "JL-01b": ""})
    loaded = fault(id="loaded", scenarios={"PF-01a": ""}, related=frozenset({"JL-02"}), requirement="JL-01")
    first, second = fault(id="first", scenarios={"PF-01a": ""}, waits=True), fault(id="second", waits=True)
    plan = Plan({}, [short, first, loaded, long, second], rows, "", False, 2, 1, Path("x"))
    assert names(plan.quiet()) == ["long", "short"]
    assert names(plan.waiting()) == ["second"]
    assert names(plan.apart()) == ["first", "loaded"]
    assert plan.lasting(waits=True) == plan.lasting(waits=False) == []


def test_of_one_fault_what_is_measured_under_load_is_apart_from_what_else_runs_with_it() -> None:
    rows = [row("JL-01a"), row("PF-01a", "load", "alone"), row("SB-02a", "load", "slow")]
    both = fault(scenarios={"JL-01a": "", "PF-01a": "", "SB-02a": ""})
    plan = Plan({}, [both], rows, "", False, 2, 1, Path("x"))
    assert [(part.name, [each.id for each in part.rows]) for part in plan.parts(both)] == [
        ("job-crashes", ["JL-01a"]),
        ("alone/job-crashes", ["PF-01a"]),
        ("long/job-crashes", ["SB-02a"]),
    ]
    assert names(plan.quiet()) == ["job-crashes"] and names(plan.apart()) == ["alone/job-crashes"]
    assert names(plan.lasting(waits=False)) == ["long/job-crashes"]


@pytest.mark.parametrize(("kind", "lasts"), [("slow", True), ("alone", False)])
@pytest.mark.parametrize("waits", [True, False])
def test_under_load_only_what_takes_long_goes_beside_its_like(kind: str, lasts: bool, waits: bool) -> None:
    one = fault(scenarios={"SB-02a": ""}, waits=waits)
    plan = Plan({}, [one], [row("SB-02a", "load", kind)], "", False, 2, 1, Path("x"))
    assert [bool(plan.lasting(waits)), bool(plan.apart())] == [lasts, not lasts]
    assert plan.lasting(not waits) == []


def test_of_what_takes_long_the_part_with_most_rows_begins() -> None:
    rows = [row("CA-10a", "slow"), row("CA-10b", "slow")]
    one, two = fault(id="one", scenarios={"CA-10a": ""}), fault(id="two", scenarios={"CA-10a": "", "CA-10b": ""})
    assert names(Plan({}, [one, two], rows, "", False, 2, 1, Path("x")).lasting(waits=False)) == ["two", "one"]


def test_in_the_repository_nothing_that_measures_goes_beside_anything_but_the_long_ones() -> None:
    catalogue = load_catalogue()
    rows = rows_of(read_documents(Path("features")))
    plan = Plan({}, list(catalogue.values()), rows, "", False, 2, 1, Path("x"))
    beside = [each for part in [*plan.quiet(), *plan.waiting()] for each in part.rows]
    assert not [each.id for each in beside if each.tags & {"slow", "alone"}]
    lasting = [*plan.lasting(waits=True), *plan.lasting(waits=False)]
    assert all("slow" in each.tags for part in lasting for each in part.rows)
    judged = [part.fault.id for part in [*plan.quiet(), *plan.waiting(), *plan.apart(), *lasting]]
    assert set(judged) == set(catalogue)


def test_what_fails_without_the_fault_has_not_caught_it() -> None:
    bad = ("failed", "is Failed")
    judgement = judge(fault(scenarios={"JL-01a": "is Failed", "JL-01b": "is Failed"}), run(JL_01a=bad, JL_01b=bad))
    spoilt = judgement.without_proof_by({"JL-01b": "without the fault: is Failed", "JL-01c": "x"})
    assert judgement.caught and not spoilt.caught
    assert spoilt.proven == {"JL-01a"} and spoilt.wrong_reason == {"JL-01b": "without the fault: is Failed"}
    assert spoilt.expected == 2


def test_runs_of_one_fault_are_judged_as_one() -> None:
    bad = ("failed", "is Failed")
    both = run(JL_01a=bad).with_those_of(run(JL_02a=bad, PV_01a=("passed", None)))
    judgement = judge(fault(scenarios={"JL-01a": "is Failed", "JL-02a": "is Failed"}), both)
    assert judgement.caught and judgement.expected == 2 and judgement.duration_s == 2.0


def test_steps_that_failed_are_remembered() -> None:
    steps = [{"name": "it runs", "status": "passed"}, {"name": "it is the only one", "status": "failed"}]
    entry = {"status": "failed", "reason": "is Failed", "requirement": "JL-01", "steps": steps}
    assert judge(fault(), Run({"JL-01a": entry}, 1.0)).failed_steps == {"it is the only one"}


def test_phrases_of_the_steps_that_failed() -> None:
    outcomes = Outcomes()
    text = "everything that was started for it is gone within the limit for idle investigations"
    (phrase,) = outcomes.phrases_of([text])
    assert phrase == text and phrase in outcomes.phrases
    assert outcomes.phrases_of(["nothing known"]) == frozenset()


def test_only_what_the_backlog_alone_says_needs_no_proof() -> None:
    rows = [
        Row("JL-14a", "f:1", frozenset({"backlog"}), 2, ("it is cancelled", "it is gone")),
        Row("JL-11a", "f:9", frozenset(), 2, ("it is finished", "it is gone")),
    ]
    assert said_in_backlog_only(rows, frozenset) == {"it is cancelled"}


def test_in_the_repository_one_phrase_is_of_the_backlog_alone() -> None:
    rows = rows_of(read_documents(Path("features")))
    phrase = "everything that was started for it is gone within the limit for cancelled investigations"
    assert said_in_backlog_only(rows, Outcomes().phrases_of) == {phrase}


def test_catalogue_of_the_repository_is_valid_and_covers_every_requirement_of_its_areas() -> None:
    covered = {fault.requirement for fault in load_catalogue().values()}
    wanted = {f"JL-{number:02}" for number in range(1, 14)} | {f"PV-{number:02}" for number in range(1, 11)}
    wanted |= {f"IN-{number:02}" for number in range(1, 7)}
    assert wanted <= covered


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[fault]", "Expected ']]'"),
        ('[[fault]]\nid = "x"\nrequirement = "JL-1"\nnotice = "n"\nscenarios = {JL-01a = "t"}', "requirement"),
        ('[[fault]]\nid = "x"\nrequirement = "JL-01"\nnotice = "n"\nscenarios = {}', "no scenario is named"),
        ('[[fault]]\nid = "x"\nrequirement = "JL-01"\nnotice = "n"\nscenarios = {JL-01a = "t"}\nmore = 1', "more"),
    ],
)
def test_broken_catalogue_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(CatalogueError, match=words):
        load_catalogue(path)


def test_related_may_name_a_list_of_requirements(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    text = '[related]\n"what opens" = ["CF-01", "CF-02"]\n[[fault]]\nid = "x"\nrequirement = "JL-01"\nnotice = "n"\n'
    path.write_text(text + 'scenarios = {JL-01a = "t"}\nrelated = ["what opens", "PV-01"]')
    assert load_catalogue(path)["x"].related == {"CF-01", "CF-02", "PV-01"}
    path.write_text(text + 'scenarios = {JL-01a = "t"}\nrelated = ["what open"]')
    with pytest.raises(CatalogueError, match="fault x: related: what open: allowed are a requirement, what opens"):
        load_catalogue(path)


def test_unknown_fault_is_refused() -> None:
    with pytest.raises(CatalogueError, match="FAULT=nope: no such fault"):
        chosen({}, ["nope"])


def test_what_only_the_variables_of_a_fault_let_run_is_run_with_them_and_without_the_fault() -> None:
    rows = [row("SB-02a", "load", "slow"), row("PF-03a", "load"), row("JL-01a"), row("IN-04a")]
    slow = {"is_switch": True, "environment": {"FOCUS_SLOW": "yes"}}
    leaks = fault(id="leaks", scenarios={"SB-02a": ""}, **slow)
    faults = [
        fault(),
        leaks,
        fault(id="ends", scenarios={"SB-02a": ""}, **slow),
        fault(id="slower", scenarios={"PF-03a": ""}),
        fault(id="other-database", scenarios={"IN-04a": ""}, environment={"X": "y"}, is_switch=False),
    ]
    plan = Plan({}, faults, rows, "", True, 2, 1, Path("x"))
    skipped, passed = ("skipped", "not now"), ("passed", None)
    healthy = run(SB_02a=skipped, PF_03a=skipped, JL_01a=passed, IN_04a=passed)
    assert controls(plan, healthy) == [Control(rows[0], leaks)]
    assert controls(plan, run(SB_02a=passed, PF_03a=passed, JL_01a=passed, IN_04a=passed)) == []


def stored(folder: Path) -> dict[str, bool]:
    """For each fault, whether the living documentation would call it caught."""
    return {one["id"]: one["caught"] for one in json.loads((folder / MATRIX).read_text())["faults"]}


def test_a_few_faults_leave_the_verdicts_of_all_others_as_they_were(tmp_path: Path) -> None:
    caught, missed = run(JL_01a=("failed", "is Failed")), run(JL_01a=("passed", None))
    write_verdicts([judge(fault(id=name), caught) for name in ("a", "b")], tmp_path, complete=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "notes.txt").touch()
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MATRIX]
    write_verdicts([judge(fault(id="b"), missed)], tmp_path, complete=False)
    assert stored(tmp_path) == {"a": True, "b": False}
    write_verdicts([judge(fault(id="c"), caught)], tmp_path, complete=True)
    assert stored(tmp_path) == {"c": True}
    (tmp_path / MATRIX).write_text("{")
    write_verdicts([judge(fault(id="a"), caught)], tmp_path, complete=False)
    assert stored(tmp_path) == {"a": True}


@pytest.mark.parametrize("run_it", [lambda tags: command.run([], False, tags, 1, 1, False),
                                    lambda tags: command.run_profile("as-deployed-2025-12", tags, 1, 1)])  # fmt: skip
def test_tags_that_cannot_be_used_are_refused_before_anything_is_started(
    run_it: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="^2$"):
        run_it("@smoek")
    assert capsys.readouterr().err.startswith("faults: --tags=@smoek names @smoek, which is not in the tag dictionary")


def test_more_side_by_side_than_a_run_takes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="^2$"):
        command.run([], False, command.DEFAULT_TAGS, 1, 33, False)
    assert capsys.readouterr().err == "faults: --parallel=33: a whole number from 1 to 32\n"
