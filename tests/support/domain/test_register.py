"""The jobs of this run in a cluster: known by the answers and by the channels, and never jobs of others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.clients.clock import ClockOffset
from support.clients.focus_server.client import Answer
from support.clients.kubernetes.client import Job, Snapshot
from support.investigations.neighbours import Neighbours
from support.investigations.own_channels import OwnChannels, channels_of, channels_of_job
from support.investigations.register import DuplicateJobId, Register
from support.investigations.run_ledger import Channels, RunLedger
from support.investigations.service import Investigations
from support.model import requests

FOREIGN = (1, 50)


def job(job_id: str, channels: Channels, uid: str = "") -> Job:
    command = ["python", "--roi", str(channels[0]), str(channels[1]), "-sg", "1024"]
    containers = [{"name": "job", "command": command}]
    return Job.parse(
        {
            "metadata": {"name": f"grpc-job-{job_id}", "uid": uid or f"uid of {job_id}"},
            "spec": {"template": {"spec": {"containers": containers}}},
        }
    )


class Watch:
    """Stands for the watch of a run, with the jobs seen so far."""

    def __init__(self, *jobs: Job) -> None:
        self.seen = {job.name: job for job in jobs}

    def jobs(self) -> dict[str, Job]:
        return dict(self.seen)

    def job(self, name: str) -> Job | None:
        return self.seen.get(name)

    def snapshot(self, *more: Job) -> Snapshot:
        for one in more:
            self.seen[one.name] = one
        return Snapshot(tuple(self.seen.values()), (), (), datetime.now(UTC), 0.0)


class Run:
    """The register of a run on a cluster with these jobs."""

    def __init__(self, folder: Path, *jobs: Job, exclusive: bool = False) -> None:
        environment: Any = SimpleNamespace(
            identity=SimpleNamespace(exclusive=exclusive), limits=SimpleNamespace(most_channels=2222)
        )
        self.watch, self.ledger = Watch(*jobs), RunLedger(folder / "ledger.jsonl")
        watch: Any = self.watch
        self.register = Register(self.ledger, watch, ClockOffset("the cluster"), environment, Neighbours(not exclusive))
        self.register.begin_scenario(self.watch.snapshot())
        request = self.register.channels.on(requests.live())
        self.own = channels_of(request) or FOREIGN
        self.intended = self.register.intend(request, self.watch.snapshot().job_ids)


def test_what_an_answer_names_is_ours(tmp_path: Path) -> None:
    run = Run(tmp_path, job("1-1", FOREIGN))
    assert run.register.take_in(run.intended, "2-2")
    assert run.register.ours(run.watch.snapshot(job("2-2", run.own))) == ["2-2"]
    run.register.identify()
    assert [(entry.job_id, entry.uid) for entry in run.ledger.pending()] == [("2-2", "uid of 2-2")]


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_job_that_was_there_before_is_not_ours_and_the_one_that_was_started_is(
    tmp_path: Path, exclusive: bool
) -> None:
    run = Run(tmp_path, job("1-1", FOREIGN), exclusive=exclusive)
    assert not run.register.take_in(run.intended, "1-1")
    assert run.register.open_ids == () and run.ledger.pending() == []
    assert run.register.ours(run.watch.snapshot(job("2-2", run.own))) == ["2-2"]


def test_a_job_of_somebody_else_that_began_meanwhile_is_not_ours_whatever_the_answer_says(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.register.take_in(run.intended, "1-1")
    assert run.register.ours(run.watch.snapshot(job("1-1", FOREIGN), job("2-2", run.own))) == ["2-2"]


def test_a_job_id_that_somebody_else_was_given_after_ours_is_not_ours(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.watch.snapshot(job("1-1", run.own))
    assert run.register.take_in(run.intended, "1-1")
    assert run.register.ours(run.watch.snapshot(job("1-1", FOREIGN, uid="another"))) == []


def test_a_job_that_no_answer_has_named_is_known_by_its_channels(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.register.ours(run.watch.snapshot(job("1-1", run.own), job("2-2", FOREIGN))) == ["1-1"]
    assert run.ledger.unsettled() == [run.intended.intention]
    run.register.all_released()
    assert run.ledger.unsettled() == []


def test_ordinary_channels_are_moved_and_chosen_ones_are_left_as_they_are() -> None:
    own = OwnChannels(2222, shift=100)
    assert channels_of(own.on(requests.live())) == (101, 150)
    assert channels_of(own.on(requests.live_in(requests.SINGLE_CHANNEL))) == (107, 107)
    assert channels_of(own.on(requests.live_in(requests.WATERFALL))) == (111, 161)
    assert (101, 150) in own and (1, 50) not in own and None not in own
    for chosen in ((1, 1), (1, 2222), (0, 50), (49, 50)):
        request = {**requests.live(), "channels": {"min": chosen[0], "max": chosen[1]}}
        assert own.on(request) == request and chosen not in own
    assert own.on(b"[]") == b"[]"


def test_two_runs_hardly_ever_share_their_channels() -> None:
    drawn = {channels_of(OwnChannels(2222).on(requests.live())) for _ in range(50)}
    assert len(drawn) > 40
    assert all(channels is not None and channels[0] >= 51 and channels[1] <= 2222 for channels in drawn)


def test_the_channels_of_a_job_are_read_from_its_command() -> None:
    assert channels_of_job(job("1-1", (7, 56))) == (7, 56)
    assert channels_of_job(Job.parse({"metadata": {"name": "grpc-job-1-1", "uid": "u"}, "spec": {}})) is None


class Server:
    """Answers each opening with a given job id, and starts a given job for it."""

    def __init__(self, run: Run, answered: str, started: str) -> None:
        self._run, self._answered, self._started = run, answered, started

    def request(self, method: str, path: str, body: Any) -> Answer:
        channels = (body["channels"]["min"], body["channels"]["max"])
        self._run.watch.snapshot(job(self._started, channels))
        return Answer(200, {}, json.dumps({"job_id": self._answered}).encode(), 0.01)


def investigations(run: Run, answered: str, started: str) -> Investigations:
    server: Any = Server(run, answered, started)
    cluster: Any = SimpleNamespace(nodes=list, snapshot=run.watch.snapshot)
    nobody: Any = None
    return Investigations(server, nobody, cluster, nobody, nobody, run.register, nobody, nobody)


def test_a_duplicate_job_id_is_the_defect_that_is_told_and_its_job_is_left_alone(tmp_path: Path) -> None:
    run = Run(tmp_path, job("1-1", FOREIGN))
    with pytest.raises(DuplicateJobId, match="names job 1-1, which was there before the request.*it was left alone"):
        investigations(run, answered="1-1", started="2-2").attempt(requests.live())
    assert run.register.job_ids == [] and run.register.ours(run.watch.snapshot()) == ["2-2"]


def test_the_second_of_our_own_that_is_given_an_id_again_is_for_the_scenario_to_judge(tmp_path: Path) -> None:
    run = Run(tmp_path)
    opening = investigations(run, answered="1-1", started="1-1")
    opening.attempt_twice(requests.live())
    assert opening.job_ids == ["1-1", "1-1"] and opening.open_ids == ("1-1",)
