"""A run split among testers with a sandbox each gives the verdicts of one run, and reports a lost shard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hamcrest import equal_to

from support import waits
from support.cli.shard import merge_shards, print_plan
from tests.endings.test_run_endings import Behave, WarmBehave

SOME = "@JL-03 or @PV-05 or @CF-05 or @MD-01"


def planned(folder: Path) -> Path:
    """A plan for two testers."""
    file = folder / "plan.json"
    assert print_plan("sandbox", 2, SOME, folder, file) == 0
    return file


def share(folder: Path, plan: Path, index: int) -> Behave:
    (own := folder / str(index)).mkdir()
    tags = json.loads(plan.read_text())["tags"]
    return Behave(own, f"--tags={tags}", "-D", f"shard={index}", "-D", f"shard_plan={plan}")


def merged(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "run.json").read_text())
    assert isinstance(record, dict)
    return record


@pytest.mark.nightly
def test_two_shards_give_the_verdicts_of_one_run(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    shards = [share(tmp_path, plan, index) for index in (0, 1)]
    assert [shard.end()[0] for shard in shards] == [0, 0]
    assert all(shard.left_behind() == [] for shard in shards)
    (whole := tmp_path / "whole").mkdir()
    one = Behave(whole, f"--tags={SOME}")
    assert one.end()[0] == 0
    assert merge_shards([shard.reports for shard in shards], tmp_path / "all") == 0
    together = merged(tmp_path / "all")
    assert together["leftovers"] == [] and together["suite"]["errors"] == []
    assert {(s["id"], s["status"]) for s in together["scenarios"]} == {
        (s["id"], s["status"]) for s in one.record()["scenarios"]
    }
    assert len(together["scenarios"]) == len(one.record()["scenarios"]) >= 8
    assert (tmp_path / "all" / "site" / "index.html").is_file()


@pytest.mark.nightly
def test_a_killed_shard_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    shards = [share(tmp_path, plan, index) for index in (0, 1)]
    began = shards[1].reports / "run.json"
    waits.until(began.is_file, equal_to(True), within_s=60, what="the shard to have begun")
    os.kill(shards[1].process.pid, signal.SIGKILL)
    shards[1].process.wait()
    assert shards[0].end()[0] == 0
    waits.until(shards[1].left_behind, equal_to([]), within_s=30, what="everything that it started to end")
    assert merge_shards([shard.reports for shard in shards], tmp_path / "all") == 1
    errors = [f"{one['where']}: {one['message']}" for one in merged(tmp_path / "all")["suite"]["errors"]]
    assert any(error.startswith("shard 1 of 2: it did not end: ") for error in errors), errors


def test_a_share_of_another_selection_is_refused(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    (own := tmp_path / "own").mkdir()
    code, said = WarmBehave(own, "--tags=@JL-03", "-D", "shard=0", "-D", f"shard_plan={plan}").end()
    assert code == 2 and "is in the plan of the shards only" in said


def test_the_index_is_that_of_the_pod(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("focus-acceptance"))
    command = [program, "shard", "run", "--of", "2", "--reports", str(tmp_path)]
    for given, allowed in (("2", "--index 2: allowed are 0 to 1"), ("x", "JOB_COMPLETION_INDEX is 'x'")):
        told = subprocess.run(
            command,
            env={**os.environ, "JOB_COMPLETION_INDEX": given},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == 2 and allowed in told.stderr
