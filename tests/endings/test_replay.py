"""A replay of production on 3 November 2025: what the report of that day should have said, and what it should not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clients.sandbox.embedded import EmbeddedSandbox
from support.reporting.capacity_report import CapacityReport
from support.reporting.first_steps import first_steps
from support.reporting.record.reading import read_record
from tools.fault_matrix.profile import load_profile

pytestmark = pytest.mark.nightly

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "production-2025-11-03"
QUIET = "@DQ or @IN or @CF-01b or @PV-02"
"""All findings of that day except load: capacity is part of the profile's expectation."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("replay")
    sandbox = EmbeddedSandbox({"time_scale": 0.02}, ["--profile", PROFILE]).start()
    options = ["-D", f"sandbox_run_file={sandbox.run_file}", "-D", f"reports={folder}", "-D", "history="]
    done = subprocess.run(
        [sys.executable, "-m", "behave", *options, f"--tags={QUIET}"],
        cwd=ROOT,
        env={**os.environ, "FOCUS__KUBERNETES__ACCESS": "ssh_tunnel"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    sandbox.stop()
    assert done.returncode == 1, done.stdout + done.stderr
    yield folder


def scenarios(reports: Path) -> dict[str, Any]:
    return {one["id"]: one for one in json.loads((reports / "run.json").read_text(encoding="utf-8"))["scenarios"]}


def test_exactly_the_problems_of_that_day_are_found(reports: Path) -> None:
    found = scenarios(reports)
    bad = {name for name, one in found.items() if one["status"] in ("failed", "error")}
    expected = {name for defect in load_profile(PROFILE).defect for name in defect.scenarios if name[:2] != "CA"}
    assert {name.split(".")[0] for name in bad} == expected
    for defect in load_profile(PROFILE).defect:
        for name, text in defect.scenarios.items():
            reasons = [one["reason"] for key, one in found.items() if key.split(".")[0] == name]
            assert all(text in reason for reason in reasons)


def test_the_mistakes_of_that_days_tests_are_not_reported(reports: Path) -> None:
    """Unrecognised recordings are exempt from the form check, and refusing channel 0 is correct."""
    found = scenarios(reports)
    assert {found[name]["status"] for name in found if name[:5] == "DQ-03" or name in ("DQ-04a", "CF-01b.1")} == {
        "passed"
    }


def test_what_to_do_first_names_each_with_its_remedy(reports: Path) -> None:
    record = read_record(reports / "run.json")
    gap = CapacityReport(Path("gap"), 200, 40, 160, "fail", "40 of 200 jobs.", ("First: offer more GPU slices.",))
    steps = first_steps(record, gap)
    assert [step.scenarios[:1] for step in steps] == [(), ("DQ-02a.1",), (), ("DQ-05a",), ("DQ-04b",)]
    words = (
        "ssh_tunnel",
        "remedy indexes -e sandbox",
        "offer more GPU slices",
        "remedy stale-recordings",
        "folder_name",
    )
    assert all(word in step.remedy for word, step in zip(words, steps, strict=True))
    assert "port 6443 of the Kubernetes API does not let this machine in" in steps[0].seen


def test_the_page_of_the_site_says_so_too(reports: Path) -> None:
    (page,) = reports.glob("runs/*/site/first.html")
    text = page.read_text(encoding="utf-8")
    assert text.index("port of the Kubernetes API") < text.index("lacks indexes") < text.index("never closed")
