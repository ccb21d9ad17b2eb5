"""Scenarios side by side on the real sandbox: the same verdicts as one after the other, one record, clean endings."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from hamcrest import equal_to, greater_than, has_length

from support import waits
from tests.endings.test_run_endings import Behave, WarmBehave

SOME = "--tags=@JL-01 or @JL-03 or @PV-04 or @MD-01"


def children_of(pid: int) -> list[int]:
    """The processes that run scenarios. They are forks, so they have the command line of the run."""
    return [child for child in _below(pid) if _command(child) == _command(pid)]


def sandboxes_of(pid: int) -> int:
    """The number of sandboxes that a run and its processes have started."""
    return sum(b"environments.sandbox" in _command(child) for one in (pid, *children_of(pid)) for child in _below(one))


def starts(run: Behave, sandboxes: int) -> None:
    waits.until(lambda: sandboxes_of(run.process.pid), equal_to(sandboxes), within_s=60, what="the sandboxes")


def _below(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


APART = "--tags=@RS-02 or @RS-03 or @SB-04 or @PV-07 or @PV-08 or @JL-13"
"""More than twenty scenarios that need a site to themselves, so that two further sandboxes are worth it."""


@pytest.mark.nightly
def test_verdicts_and_record_are_those_of_one_after_the_other(tmp_path: Path) -> None:
    verdicts = []
    for parallel in (1, 3):
        (folder := tmp_path / str(parallel)).mkdir()
        run = Behave(folder, SOME, "-D", f"parallel={parallel}")
        assert run.end() == (0, "")
        record = run.record()
        assert record["leftovers"] == [] and record["suite"]["errors"] == []
        assert all(one["started"] and one["duration_s"] > 0 for one in record["scenarios"])
        assert {one["request"] for one in record["requests"]} >= {"POST /configure"}
        verdicts.append([(one["id"], one["status"], len(one["steps"])) for one in record["scenarios"]])
        assert run.left_behind() == []
    assert len(verdicts[0]) > 10
    assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize("given", ["0", "many", "33", "-1"])
def test_a_number_that_is_none_is_refused(tmp_path: Path, given: str) -> None:
    run = WarmBehave(tmp_path, SOME, "-D", f"parallel={given}")
    assert run.end() == (2, f"-D parallel={given}: a whole number from 1 to 32\n")


def test_an_interruption_ends_all_of_them_and_leaves_nothing(tmp_path: Path) -> None:
    run = Behave(tmp_path, "--tags=@JL or @CF-08", "-D", "parallel=3")
    workers = waits.until(
        lambda: children_of(run.process.pid), has_length(2), within_s=30, what="the processes that run scenarios"
    )
    ledger = run.reports / "ledger-sandbox.jsonl"
    waits.until(
        lambda: ledger.read_text().count('"opened"') if ledger.is_file() else 0,
        greater_than(2),
        within_s=30,
        what="investigations that are open",
    )
    run.process.send_signal(signal.SIGINT)
    code, errors = run.end()
    assert code == 1, errors
    record = run.record()
    assert record["interrupted"] == "the run was interrupted"
    assert record["leftovers"] == []
    assert len({one["id"] for one in record["scenarios"]}) == len(record["scenarios"]) > 50
    assert run.left_behind() == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.nightly
@pytest.mark.parametrize(("variables", "code"), [({}, 0), ({"FOCUS__LIMITS__REFUSAL_S": "0.000001"}, 1)])
def test_scenarios_that_need_a_site_have_further_sandboxes(
    tmp_path: Path, variables: dict[str, str], code: int
) -> None:
    verdicts, figures = [], []
    for parallel, sandboxes in ((1, 1), (2, 3)):
        (folder := tmp_path / str(parallel)).mkdir()
        run = Behave(folder, APART, "-D", f"parallel={parallel}", **variables)
        starts(run, sandboxes)
        assert run.end() == (code, "")
        record = run.record()
        assert record["leftovers"] == [] and record["suite"]["errors"] == []
        bad = [one for one in record["scenarios"] if one["status"] == "failed"]
        assert bool(bad) == bool(code)
        assert all(one["evidence"] and all(Path(file).is_file() for file in one["evidence"]) for one in bad)
        verdicts.append([(one["id"], one["status"], len(one["steps"])) for one in record["scenarios"]])
        figures.append(set(record["figures"]))
        assert run.left_behind() == []
    assert len(verdicts[0]) > 16
    assert verdicts[0] == verdicts[1]
    assert figures[0] == figures[1] != set()


def test_an_interruption_ends_further_sandboxes_as_well(tmp_path: Path) -> None:
    run = Behave(tmp_path, APART)
    starts(run, 3)
    workers = children_of(run.process.pid)
    run.process.send_signal(signal.SIGINT)
    code, errors = run.end()
    assert code == 1, errors
    assert run.record()["interrupted"] == "the run was interrupted"
    assert run.record()["leftovers"] == []
    assert run.left_behind() == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.nightly  # it has 127.0.0.1 for itself, which tests/sandbox/estate/test_addresses.py needs as well
def test_a_further_sandbox_that_cannot_start_leaves_its_scenarios_to_the_first(tmp_path: Path) -> None:
    variables = {"FOCUS__SANDBOX__SETTINGS__ADDRESSES": "one"}
    run = WarmBehave(tmp_path, APART, **variables)
    code, errors = run.end()
    note = "note: one sandbox less: the sandbox did not start: another sandbox has 127.0.0.1 for itself"
    assert code == 0, errors
    assert errors.count(note) == 2
    assert len(run.record()["scenarios"]) > 16
    assert run.left_behind() == []


@pytest.mark.nightly
def test_a_process_that_is_killed_makes_the_run_red_and_says_what_it_ran(tmp_path: Path) -> None:
    run = Behave(tmp_path, "--tags=@CF-10 or @JL-10a", "-D", "parallel=2")
    (worker,) = waits.until(
        lambda: children_of(run.process.pid), has_length(1), within_s=30, what="the process that runs scenarios"
    )
    ledger = run.reports / "ledger-sandbox.jsonl"
    waits.until(ledger.is_file, equal_to(True), within_s=30, what="the run to have begun")
    os.kill(worker, signal.SIGKILL)
    code, _ = run.end()
    record = run.record()
    assert code == 1 and record["verdict"] == "failed"
    assert "ended with -9" in json.dumps(record["suite"]["errors"])
    assert all(one["status"] in ("passed", "error") for one in record["scenarios"])
    assert run.left_behind() == []
