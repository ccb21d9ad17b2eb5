"""The judgement over a fault: what was caught, missed, caught for another reason, or broken beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults.catalogue import CatalogueError, Fault, chosen, load_catalogue
from support.faults.matrix import Run, judge, selection, sentinels
from support.gherkin.phrases import Outcomes


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


def test_related_requirements_may_fail_and_others_may_not() -> None:
    bad = ("failed", "is Failed")
    judgement = judge(fault(), run(JL_01a=bad, JL_01b=bad, JL_02a=bad, PV_01a=bad))
    assert set(judgement.unrelated) == {"PV-01a"} and not judgement.caught


def test_outline_stands_for_all_its_rows() -> None:
    rows = fault(scenarios={"PV-04a": "answered 200"}, requirement="PV-04")
    good, bad = ("passed", None), ("failed", "it was answered 200")
    assert judge(rows, run(PV_04a_row1=bad, PV_04a_row2=bad)).caught
    assert judge(rows, run(PV_04a_row1=bad, PV_04a_row2=good)).missed == ("PV-04a.2",)


def test_one_scenario_of_every_requirement_keeps_watch() -> None:
    good = ("passed", None)
    healthy = run(
        JL_01b=good, JL_01a=good, PV_04a_row1=good, PV_04a_row2=good, PV_05a_row1=good, SB_02a=("skipped", "slow")
    )
    assert sentinels(healthy) == ["JL-01a", "PV-04a", "PV-05a"]


def test_selection_holds_what_must_fail_its_relations_and_the_watch() -> None:
    assert selection(fault(), ["PV-04a"]) == "@JL-01? or @JL-01a or @JL-02? or @PV-04a"


def test_steps_that_failed_are_remembered() -> None:
    steps = [{"name": "it runs", "status": "passed"}, {"name": "it is the only one", "status": "failed"}]
    entry = {"status": "failed", "reason": "is Failed", "requirement": "JL-01", "steps": steps}
    assert judge(fault(), Run({"JL-01a": entry}, 1.0)).failed_steps == {"it is the only one"}


def test_phrases_of_the_steps_that_failed() -> None:
    outcomes = Outcomes()
    text = "everything that was started for it is gone within the limit for idle investigations"
    (phrase,) = outcomes.phrases_of([text])
    assert phrase in outcomes.phrases and "{kind}" in phrase
    assert outcomes.phrases_of(["nothing known"]) == frozenset()


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


def test_unknown_fault_is_refused() -> None:
    with pytest.raises(CatalogueError, match="FAULT=nope: no such fault"):
        chosen({}, ["nope"])
