"""Tests that each known issue of a site is a documented defect and that its scenario fails for the stated reason."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.clients.sandbox.control import SandboxControl
from support.clients.sandbox.embedded import EmbeddedSandbox
from support.config.loading import ENVIRONMENTS
from support.config.models import Control
from support.fault_catalogue import load_catalogue
from support.gherkin.documents import read_documents
from tests import warm
from tools.fault_matrix.profile import Defect, load_profile
from tools.fault_matrix.rows import rows_of

ROOT = Path(__file__).resolve().parents[2]
PROFILE = load_profile("as-deployed-2025-12")
ASKED_FOR = {"PZ-13983", "PZ-13985", "PZ-13503", "PZ-13238", "PZ-13268", "PZ-13669"} | {
    f"PZ-{number}" for number in (14712, 14713, 14714, 14925, 13640, 13266, 13267, 13269, 13984)
}
"""Tickets that were open on 19 November 2025 and that a scenario shows."""
IN_THE_MATRIX_ONLY = {"PZ-13268", "PZ-13640", "PZ-14712", "PZ-14714"}
"""Tickets that only the fault matrix shows, with the same texts.

They need a load of 200, or an outage that the profile answers in another way, or another defect of the profile hides
them in the same scenario.
"""


def listed(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((ENVIRONMENTS / f"{name}.yaml").read_text(encoding="utf-8"))["known_issues"]


def documented(defects: Iterable[Defect]) -> set[tuple[str, str, str]]:
    """The (scenario, ticket, text) of the scenarios that fail on a defect with a ticket."""
    return {
        (scenario, ticket, text)
        for defect in defects
        for ticket in defect.tickets
        for scenario, text in defect.scenarios.items()
    }


@pytest.mark.parametrize("name", ["staging", "production"])
def test_each_is_a_documented_defect_with_the_scenario_that_fails_on_it(name: str) -> None:
    found = {(one["scenario"], one["ticket"], one["reason"]) for one in listed(name)}
    assert found <= documented([*PROFILE.defect, *PROFILE.beside])
    assert {ticket for _, ticket, _ in found} >= ASKED_FOR
    assert len(found) == len(listed(name))


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("production", {"PZ-13986"}), ("staging", {"PZ-13986", "PZ-13295"})],
    ids=["production", "staging"],
)
def test_no_scenario_that_fails_for_a_ticket_is_forgotten(name: str, left_out: set[str]) -> None:
    """The environment file gives the reason for each omission."""
    known = {(one["scenario"], one["ticket"]) for one in listed(name)}
    for defect in [*PROFILE.defect, *PROFILE.beside]:
        if defect.tickets and not left_out.intersection(defect.tickets):
            assert all(any((one, ticket) in known for ticket in defect.tickets) for one in defect.scenarios), defect
    assert all(f"# {ticket} " in (ENVIRONMENTS / f"{name}.yaml").read_text(encoding="utf-8") for ticket in left_out)


@dataclass
class Deployed:
    """A sandbox with the profile, on which scenarios run with a site's known issues."""

    folder: Path
    run_file: Path
    control: SandboxControl

    def run(self, ids: Iterable[str], issues: list[dict[str, Any]]) -> tuple[int, Mapping[str, Mapping[str, Any]]]:
        rows = rows_of(read_documents(ROOT / "features"))
        places = [row.place for row in rows if any(row.is_meant_by(name) for name in ids)]
        options = ["-D", f"sandbox_run_file={self.run_file}", "-D", f"reports={self.folder}", "-D", "history="]
        variables = {**os.environ, "FOCUS__KNOWN_ISSUES": json.dumps(issues, default=str)}
        done = warm.run("behave", *options, "-D", "publish=record", *places, variables=variables, timeout_s=900.0)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        record = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return done.returncode, {one["id"]: one for one in record["scenarios"]}

    @contextmanager
    def fault(self, *names: str) -> Iterator[None]:
        for name in names:
            self.control.switch_on(name)
        try:
            yield
        finally:
            for name in names:
                self.control._call("DELETE", f"/faults/{name}")  # a reset would switch off the profile's, too


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    sandbox = EmbeddedSandbox({"time_scale": 0.02}, ["--profile", "as-deployed-2025-12"]).start()
    control = SandboxControl(Control(**json.loads(sandbox.run_file.read_text(encoding="utf-8"))["control"]))
    yield Deployed(tmp_path_factory.mktemp("known"), sandbox.run_file, control)
    control.close()
    sandbox.stop()


def test_what_is_proven_by_the_matrix_has_the_text_of_its_fault() -> None:
    catalogue = load_catalogue()
    for defect in PROFILE.beside:
        found = {name: text for fault in defect.faults for name, text in catalogue[fault].scenarios.items()}
        assert defect.scenarios.items() <= found.items()


def of_profile(defects: Iterable[Defect]) -> list[dict[str, Any]]:
    wanted = documented(defects)
    return [one for one in listed("production") if (one["scenario"], one["ticket"], one["reason"]) in wanted]


@pytest.mark.nightly
def test_each_is_used_on_the_profile_and_the_run_is_green(deployed: Deployed) -> None:
    """Production's list includes that of staging."""
    issues = of_profile(PROFILE.defect)
    code, found = deployed.run([one["scenario"] for one in issues], issues)
    told = {name: (one["status"], one["reason"]) for name, one in found.items() if one["status"] != "known_issue"}
    assert told == {}
    assert code == 0
    tickets = {one["scenario"]: one["ticket"] for one in issues}
    assert {name: one["ticket"] for name, one in found.items()} == {
        name: tickets.get(name, tickets.get(name.split(".")[0])) for name in found
    }


@pytest.mark.nightly
@pytest.mark.parametrize(
    "defect",
    [defect for defect in PROFILE.beside if not IN_THE_MATRIX_ONLY.intersection(defect.tickets)],
    ids=lambda defect: defect.tickets[0],
)
def test_each_that_shows_only_beside_the_profile_is_used_there(deployed: Deployed, defect: Defect) -> None:
    scenarios = list(defect.scenarios)[:1]
    with deployed.fault(*defect.faults):
        code, found = deployed.run(scenarios, of_profile(PROFILE.beside))
    assert {name: (one["status"], one["ticket"]) for name, one in found.items()} == {
        name: ("known_issue", defect.tickets[0]) for name in scenarios
    }, [one["reason"] for one in found.values()]
    assert code == 0


def test_one_does_not_hide_another_failure_of_its_scenario(deployed: Deployed) -> None:
    """The search reads all documents; the listed issue excuses only the missing index by uuid."""
    issue = {**listed("staging")[0], "scenario": "DQ-02c", "ticket": "PZ-13983", "reason": "has no index by"}
    code, found = deployed.run(["DQ-02c"], [issue])
    assert (code, found["DQ-02c"]["status"]) == (1, "failed")
    assert "(the known issue PZ-13983 is another failure of it: has no index by)" in found["DQ-02c"]["reason"]
