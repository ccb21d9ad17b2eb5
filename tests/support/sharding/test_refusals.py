"""Invalid shards, plans and runs: one sentence, exit code 2, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.cli.shard import merge_shards, print_plan, run
from tests.support.sharding.test_merge import OTHER, PLAN, shard


def plan_file(folder: Path, **changes: object) -> Path:
    file = folder / "plan.json"
    file.write_text(json.dumps(json.loads(PLAN.text()) | changes))
    return file


TWICE = [{"seconds": 1, "scenarios": ["JL-01a"]}, {"seconds": 1, "scenarios": ["JL-01a"]}]


@pytest.mark.parametrize(
    ("index", "changes", "words"),
    [
        (2, {}, "--index 2: allowed are 0 to 1"),
        (-1, {}, "--index -1: allowed are 0 to 1"),
        (0, {"shares": TWICE}, "JL-01a is in more than one share"),
        (0, {"shares": []}, "plan.json: no plan of shards: shares"),
    ],
)
def test_a_share_that_cannot_be_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], index: int, changes: dict[str, object], words: str
) -> None:
    code = run("sandbox", None, "", index, plan_file(tmp_path, **changes), tmp_path / "reports")
    told = capsys.readouterr().err
    assert code == 2 and words in told and len(told.splitlines()) == 1
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("both", [True, False])
def test_either_a_plan_is_made_or_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str], both: bool) -> None:
    file = plan_file(tmp_path) if both else None
    assert run("sandbox", 2 if both else None, "", 0, file, tmp_path / "reports") == 2
    assert capsys.readouterr().err == "shard: either --of, to make a plan, or --plan, to follow one\n"


@pytest.mark.parametrize("amount", [0, -1, 65])
def test_an_amount_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], amount: int) -> None:
    assert print_plan("sandbox", amount, "@JL", tmp_path, tmp_path / "plan.json") == 2
    assert capsys.readouterr().err == f"shard: --shards {amount}: allowed are 1 to 64\n"
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"plan": OTHER}, "has another plan than"),
        ({"environment": "staging"}, "ran on staging"),
        ({"fingerprint": {"git": "4567", "kubernetes": "v1.34.1"}}, "differ in git: '4567' and '0123'"),
    ],
)
def test_records_of_different_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], second: dict[str, object], words: str
) -> None:
    places = [shard(tmp_path / "0", 0), shard(tmp_path / "1", 1, **second)]  # type: ignore[arg-type]
    assert merge_shards(places, tmp_path / "all") == 2
    told = capsys.readouterr().err
    assert words in told and len(told.splitlines()) == 1
    assert not (tmp_path / "all").exists()
