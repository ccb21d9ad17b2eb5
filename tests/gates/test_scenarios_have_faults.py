"""Each scenario has a fault that makes it fail, and faults and profiles name only scenarios and faults that exist."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from support.fault_catalogue import Fault, load_catalogue
from support.gherkin.documents import read_documents
from tools.fault_matrix.profile import FOLDER, Profile, load_profile
from tools.fault_matrix.rows import Row, rows_of

ROWS = rows_of(read_documents(Path("features")))
# Not implemented in the product yet; or it takes an hour, and its verdict is unit-tested with bad histories.
EXEMPT = {"backlog", "slow"}


def without_fault(rows: Iterable[Row], faults: Iterable[Fault]) -> list[str]:
    named = {name for fault in faults for name in fault.scenarios}
    return [row.id for row in rows if not row.tags & EXEMPT and not any(row.is_meant_by(name) for name in named)]


def not_in_the_features(rows: Iterable[Row], names: Iterable[str]) -> list[str]:
    rows = list(rows)
    return sorted(name for name in names if not any(row.is_meant_by(name) for row in rows))


def test_every_scenario_and_row_is_named_by_a_fault() -> None:
    assert without_fault(ROWS, load_catalogue().values()) == []


def test_every_fault_names_scenarios_that_there_are() -> None:
    faults = load_catalogue().values()
    assert not_in_the_features(ROWS, {name for fault in faults for name in fault.scenarios}) == []


def profiles() -> list[Profile]:
    return [load_profile(path.stem) for path in sorted(FOLDER.glob("*.toml"))]


def test_every_profile_names_scenarios_and_faults_that_there_are() -> None:
    catalogue = load_catalogue()
    for profile in profiles():
        assert not_in_the_features(ROWS, {name for defect in profile.defect for name in defect.scenarios}) == []
        assert {fault for defect in profile.defect for fault in defect.faults} <= set(catalogue)
    assert profiles(), "there is no profile to check"


def row(name: str, *tags: str) -> Row:
    return Row(name, "features/x.feature:1", frozenset(tags), 3)


def fault(*scenarios: str) -> Fault:
    return Fault("x", "JL-01", "n", dict.fromkeys(scenarios, "t"), frozenset(), {}, True)


@pytest.mark.parametrize(
    ("rows", "named", "missing"),
    [
        ([row("JL-01a"), row("JL-01b")], ["JL-01a"], ["JL-01b"]),
        ([row("PV-04a.1"), row("PV-04a.2")], ["PV-04a.1"], ["PV-04a.2"]),
        ([row("PV-04a.1"), row("PV-04a.10")], ["PV-04a.1"], ["PV-04a.10"]),
        ([row("PV-04a.1"), row("PV-04a.2")], ["PV-04a"], []),
        ([row("JL-14a", "backlog"), row("SB-02a", "slow")], [], []),
    ],
)
def test_a_row_without_a_fault_is_found(rows: list[Row], named: list[str], missing: list[str]) -> None:
    assert without_fault(rows, [fault(*named)]) == missing


def test_a_name_that_is_in_no_feature_is_found() -> None:
    rows = [row("JL-01a"), row("PV-04a.1")]
    assert not_in_the_features(rows, ["JL-01a", "JL-01b", "PV-04a", "PV-04a.2"]) == ["JL-01b", "PV-04a.2"]
