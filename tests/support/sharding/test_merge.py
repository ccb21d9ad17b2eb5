"""Merging the records of shards: losses are reported, and records that do not belong together are refused."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from support.reporting.record.model import Record, ScenarioResult, Trouble, write_record
from support.reporting.record.requests import RequestTimes
from support.sharding.dealing import Planned, make_plan
from support.sharding.merge import MergeError, merge, read_shards
from support.sharding.plan import Plan

BEGAN = datetime.datetime(2026, 11, 27, 12, 0, tzinfo=datetime.UTC)
PLAN = make_plan("sandbox", "not @wip", True, [Planned(f"JL-0{n}a", frozenset()) for n in (1, 2, 3, 4)], 2, {})


def result(name: str, evidence: tuple[str, ...] = (), status: str = "passed") -> ScenarioResult:
    place = f"features/{name[:2]}.feature"
    return ScenarioResult(
        name, name[:5], "It works", place, int(name[3:5]), None, [], status, None, 0.5, list(evidence)
    )


def shard(folder: Path, index: int, plan: Plan = PLAN, **changes: object) -> Path:
    """The reports folder of one shard that ended well."""
    run = folder / "runs" / f"run-{index}"
    (run / "evidence").mkdir(parents=True)
    (run / "evidence" / "seen.txt").write_text(f"seen by {index}")
    names = plan.every_share[index].scenarios
    record = Record(
        environment=plan.environment,
        started=BEGAN + datetime.timedelta(seconds=index),
        finished=BEGAN + datetime.timedelta(seconds=60 + index),
        duration_s=60.0,
        scenarios=[result(name, (f"{run}/evidence/seen.txt",) if name == names[0] else ()) for name in names],
        fingerprint={"git": "0123", "git_changes": None, "kubernetes": "v1.34.1"},
        figures={"opening_p95_ms": 40.0 + index},
        requests=[RequestTimes("GET /ack", 10, 1.0, 0.2 + index, {"0.95": 0.1})],
        shard={"index": index, "plan": plan.model_dump(mode="json", by_alias=True)},
    )
    record = replace(record, **changes)
    write_record(record, folder)
    write_record(record, run)
    (folder / "latest").write_text(f"runs/run-{index}\n")
    return folder


@pytest.fixture
def both(tmp_path: Path) -> list[Path]:
    return [shard(tmp_path / str(index), index) for index in (0, 1)]


def test_two_shards_are_one_run(both: list[Path], tmp_path: Path) -> None:
    merged = merge(read_shards(list(reversed(both))), tmp_path / "all")
    assert merged.verdict == "passed" and merged.duration_s == 61.0
    assert [one.id for one in merged.scenarios] == ["JL-01a", "JL-02a", "JL-03a", "JL-04a"]
    assert merged.selection.complete and merged.selection.tags == "not @wip"
    assert merged.figures == {"opening_p95_ms": 41.0}
    assert merged.requests == [RequestTimes("GET /ack", 20, 2.0, 1.2, {})]


def test_evidence_moves_with_its_scenario(both: list[Path], tmp_path: Path) -> None:
    merged = merge(read_shards(both), tmp_path / "all")
    first = next(one for one in merged.scenarios if one.id == PLAN.shares[0].scenarios[0])
    assert [Path(path).read_text() for path in first.evidence] == ["seen by 0"]
    assert all(path.startswith(str(tmp_path / "all")) for path in first.evidence)


def test_a_lost_shard_is_told_by_name_and_makes_the_run_red(both: list[Path], tmp_path: Path) -> None:
    merged = merge(read_shards([both[1], tmp_path / "nowhere"]), tmp_path / "all")
    assert merged.verdict == "failed"
    [lost] = merged.suite_errors
    assert lost.where == "shard 0 of 2"
    assert lost.message == "its record is missing: 2 scenarios have no result: " + ", ".join(PLAN.shares[0].scenarios)


def test_a_killed_shard_is_told_by_name(tmp_path: Path) -> None:
    killed = shard(tmp_path / "1", 1, scenarios=[], suite_errors=[Trouble("run", "it was killed")])
    merged = merge(read_shards([shard(tmp_path / "0", 0), killed]), tmp_path / "all")
    told = [str(one) for one in merged.suite_errors]
    assert told[0].startswith("shard 1 of 2: it did not end: 2 scenarios have no result")
    assert told[1] == "shard 1 of 2, run: it was killed"


def test_a_failure_of_one_shard_fails_the_run(both: list[Path], tmp_path: Path) -> None:
    names = PLAN.shares[1].scenarios
    bad = shard(tmp_path / "bad", 1, scenarios=[result(names[0], status="failed"), result(names[1])])
    assert merge(read_shards([both[0], bad]), tmp_path / "all").verdict == "failed"


OTHER = make_plan("sandbox", "@JL", False, [Planned("JL-01a", frozenset()), Planned("JL-05a", frozenset())], 2, {})


@pytest.mark.parametrize(
    ("index", "plan", "changes", "words"),
    [
        (0, PLAN, {}, "are both shard 0 of 2"),
        (1, OTHER, {}, "has another plan than"),
        (1, PLAN, {"environment": "staging"}, "ran on staging"),
        (1, PLAN, {"fingerprint": {"git": "4567", "git_changes": None, "kubernetes": "v1.34.1"}}, "differ in git"),
        (1, PLAN, {"fingerprint": {"git": "0123", "git_changes": None, "kubernetes": "v1.25"}}, "differ in kubernetes"),
        (1, PLAN, {"scenarios": [result("JL-01a")]}, "JL-01a ran, and is not in the share of shard 1 of 2"),
        (1, PLAN, {"shard": None}, "the record of a run that is no shard"),
        (1, PLAN, {"shard": {"index": 7, "plan": PLAN.model_dump(mode="json", by_alias=True)}}, "shard 7 of a plan"),
        (1, PLAN, {"shard": {"index": 0}}, "the record of no shard"),
    ],
)
def test_what_does_not_belong_together(
    tmp_path: Path, index: int, plan: Plan, changes: dict[str, object], words: str
) -> None:
    places = [shard(tmp_path / "first", 0), shard(tmp_path / "second", index, plan, **changes)]
    with pytest.raises(MergeError) as caught:
        merge(read_shards(places), tmp_path / "all")
    assert words in str(caught.value)
    assert not (tmp_path / "all").exists()


def test_folders_without_any_record(tmp_path: Path) -> None:
    with pytest.raises(MergeError, match="no record of a shard in any of them"):
        read_shards([tmp_path / "nowhere"])
