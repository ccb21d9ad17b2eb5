"""A profile of the sandbox and a run on it, compared in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fault_catalogue import CatalogueError
from tools.fault_matrix.judgement import Run
from tools.fault_matrix.profile import Comparison, Defect, Profile, compare, load_profile
from tools.fault_matrix.profile_command import print_comparison

SHIFT = Defect(
    observed="Windows are shifted.", tickets=("PZ-1",), source="facts", confidence="M", faults=("window-shifted-2h",),
    scenarios={"PV-03a": "answered 404", "CF-03b": "answered 200"},
)  # fmt: skip
LIST = Defect(
    observed="No list.", tickets=(), source="facts", confidence="L", faults=("recordings-answered-500",),
    scenarios={"PV-10a": "answered 500", "PV-03a": "answered 500"},
)  # fmt: skip
PROFILE = Profile(notice="The site", defect=(SHIFT, LIST))
AS_DOCUMENTED = {
    "PV-03a": "it was answered 404", "CF-03b.1": "it was answered 200", "CF-03b.2": "it was answered 200",
    "PV-10a": "the list was answered 500", "JL-01a": None,
}  # fmt: skip


def compared(**changes: str | None) -> Comparison:
    """Compare a profile with a run, given by the failure reasons of its scenarios; None means passed."""
    reasons = {**AS_DOCUMENTED, **{name.replace("_", "-").replace("-row", "."): text for name, text in changes.items()}}
    entries = {
        name: {"status": "passed" if reason is None else "failed", "reason": reason} for name, reason in reasons.items()
    }
    return compare(PROFILE, Run(entries, 1.0))


def test_run_with_exactly_the_documented_failures_agrees() -> None:
    comparison = compared()
    assert comparison.agrees and comparison.agreed == ["CF-03b.1", "CF-03b.2", "PV-03a", "PV-10a"]


def test_defect_that_is_not_found_is_missing() -> None:
    comparison = compared(PV_10a=None)
    assert not comparison.agrees and comparison.missing == ["PV-10a"]


def test_every_row_of_an_outline_must_fail() -> None:
    assert compared(CF_03b_row2=None).missing == ["CF-03b.2"]


def test_scenario_that_did_not_run_is_missing() -> None:
    entries = {"PV-03a": {"status": "failed", "reason": "it was answered 404"}}
    assert compare(PROFILE, Run(entries, 1.0)).missing == ["CF-03b", "PV-10a"]


def test_failure_that_no_defect_explains_is_unexpected() -> None:
    comparison = compared(JL_01a="no job")
    assert not comparison.agrees and comparison.unexpected == {"JL-01a": "no job"}


def test_failure_for_another_reason_does_not_agree() -> None:
    comparison = compared(PV_10a="connection refused")
    assert not comparison.agrees and comparison.wrong_reason == {"PV-10a": "connection refused"}


def test_consequence_of_two_defects_may_fail_for_either() -> None:
    assert compared(PV_03a="it was answered 500").agrees


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "the run agrees with the profile: 4 failed as documented, 0 missing, 0 for another reason, 0 unexpected"),
        ({"PV_10a": None}, "PV-10a must fail and did not: No list."),
        ({"JL_01a": "no\njob"}, "JL-01a failed although no defect says so: no job"),
        ({"PV_10a": "refused"}, "PV-10a failed for another reason than No list.: refused"),
    ],
)
def test_table_names_what_disagrees(
    capsys: pytest.CaptureFixture[str], changes: dict[str, str | None], words: str
) -> None:
    print_comparison(PROFILE, compared(**changes))
    said = capsys.readouterr().out
    assert words in said and "M  PZ-1 " in said and "Windows are shifted." in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("notice = ", "Invalid value"),
        ('notice = "n"', "defect: Field required"),
        ('notice = "n"\nmore = 1\ndefect = []', "more: Extra inputs are not permitted"),
        ('notice = "n"\n[[defect]]\nobserved = "o"', "defect.0.tickets: Field required"),
    ],
)
def test_broken_profile_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "site.toml").write_text(text)
    with pytest.raises(CatalogueError, match=f"site.toml: {words}"):
        load_profile("site", tmp_path)


def test_unknown_profile_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("")
    with pytest.raises(CatalogueError, match="PROFILE=nope: no such profile; allowed are site"):
        load_profile("nope", tmp_path)
