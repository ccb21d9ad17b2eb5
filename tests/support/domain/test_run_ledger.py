"""The ledger that a killed run leaves on disk, and the jobs that a sweep takes for the run's own."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.clients.clock import ClockOffset
from support.clients.kubernetes.client import Job, Service, Snapshot
from support.clients.processes import ProcessId
from support.investigations import run_ledger
from support.investigations.run_ledger import Channels, Intention, RunLedger, ledger_file
from support.investigations.sweep import CannotTell, Leftovers, Sweep

NOW = datetime.now(UTC)
OWN, FOREIGN = (1866, 1915), (1, 50)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunLedger:
    """The ledger of a run that was killed."""
    dead = replace(ProcessId.own(), began="1@gone")
    monkeypatch.setattr(run_ledger.ProcessId, "own", classmethod(lambda cls: dead))
    return RunLedger(ledger_file(tmp_path / "reports", "staging"))


def intend(ledger: RunLedger, at: datetime = NOW, channels: Channels | None = OWN, number: int = 1) -> Intention:
    return ledger.intend(at, channels, number)


def test_what_was_not_released_is_pending(ledger: RunLedger) -> None:
    intention = intend(ledger, number=3)
    for job_id in ("1-1", "2-2", "3-3"):
        ledger.opened(job_id, intention)
    ledger.identified("3-3", "uid-3")
    ledger.released("2-2")
    first, third = ledger.pending()
    assert (first.job_id, first.uid, first.intention) == ("1-1", None, intention)
    assert (third.job_id, third.uid, third.intention) == ("3-3", "uid-3", intention)
    assert ledger.unsettled() == [intention]
    ledger.settled(intention)
    assert ledger.unsettled() == []


def test_nothing_is_pending_without_a_file(ledger: RunLedger) -> None:
    assert ledger.pending() == [] and ledger.unsettled() == []


def test_line_cut_off_by_a_kill_is_left_out_and_nothing_is_glued_to_it(ledger: RunLedger, tmp_path: Path) -> None:
    intention = intend(ledger)
    ledger.opened("1-1", intention)
    with ledger_file(tmp_path / "reports", "staging").open("a") as file:
        file.write('{"opened": "2-')
    ledger.opened("3-3", intention)
    assert [entry.job_id for entry in ledger.pending()] == ["1-1", "3-3"]


def test_a_ledger_of_an_earlier_version_is_read(ledger: RunLedger, tmp_path: Path) -> None:
    file = ledger_file(tmp_path / "reports", "staging")
    file.parent.mkdir()
    file.write_text('{"opened": "1-1", "at": "2026-11-01T10:00:00+00:00"}\n')
    (entry,) = ledger.pending()
    assert (entry.job_id, entry.uid, entry.intention) == ("1-1", None, None)


def test_forgetting_begins_anew(ledger: RunLedger) -> None:
    ledger.opened("1-1", intend(ledger))
    ledger.forget_dead_runs()
    assert ledger.pending() == [] and ledger.unsettled() == []


class Cluster:
    """A cluster with the jobs and services of some investigations."""

    namespace_name = "panda"

    def __init__(
        self,
        *job_ids: str,
        created: datetime = NOW,
        channels: Channels = OWN,
        holders: bool = False,
        ahead: timedelta | None = timedelta(0),
    ) -> None:
        self.jobs = dict.fromkeys(job_ids, (created, channels))
        self.holders = holders
        self.clock = ClockOffset("the cluster")
        if ahead is not None:
            now = datetime.now(UTC)
            self.clock.note({"Date": format_datetime(now + ahead, usegmt=True)}, now, now)
        self.removed: list[str] = []
        self.shows_the_product = True

    def snapshot(self, label_selector: str | None = None) -> Snapshot:
        holder = {"metadata": {"name": "focus-acceptance-port-1", "uid": "h"}, "spec": {}}
        services = [Service.parse(holder)] if self.holders else []
        if label_selector is None:
            product = {"metadata": {"name": "panda-panda-focus-server", "uid": "p"}, "spec": {}}
            services += [Service.parse(product)] * self.shows_the_product
            services += [Service.parse(self._object("grpc-service", job_id)) for job_id in self.jobs]
        jobs = [] if label_selector else [Job.parse(self._object("grpc-job", job_id)) for job_id in self.jobs]
        return Snapshot(tuple(jobs), (), tuple(services), datetime.now(UTC), 0.0)

    def _object(self, kind: str, job_id: str) -> dict[str, Any]:
        created, channels = self.jobs[job_id]
        command = ["python", "--roi", *map(str, channels), "-sg", "1024"]
        return {
            "metadata": {
                "name": f"{kind}-{job_id}",
                "uid": f"uid of {job_id}",
                "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            "spec": {"template": {"spec": {"containers": [{"name": "job", "command": command}]}}},
        }

    def release(self, job_id: str) -> None:
        self.removed.append(job_id)
        del self.jobs[job_id]

    def delete_service(self, name: str) -> None:
        self.removed.append(name)
        self.holders = False


def sweep(cluster: Cluster, ledger: RunLedger, exclusive: bool = False) -> Sweep:
    environment: Any = SimpleNamespace(
        limits=SimpleNamespace(deadline=lambda name: 0.2, outage_answer_s=0.6),
        identity=SimpleNamespace(exclusive=exclusive),
    )
    return Sweep(cluster, ledger, environment)  # type: ignore[arg-type]  # as much of a cluster as a sweep uses


def test_sweep_removes_what_the_ledger_names_and_proves_it(ledger: RunLedger) -> None:
    intention = intend(ledger)
    ledger.opened("1-1", intention, "uid of 1-1")
    ledger.settled(intention)
    cluster = Cluster("1-1", "2-2", holders=True)
    found = sweep(cluster, ledger).find()
    assert found.investigations == ("1-1",) and not found.doubtful
    assert found.holders == (("service", "focus-acceptance-port-1"),)
    assert sweep(cluster, ledger).remove(found) == []
    assert cluster.removed == ["1-1", "focus-acceptance-port-1"]
    assert list(cluster.jobs) == ["2-2"] and ledger.pending() == []


def test_a_job_of_the_same_id_and_another_uid_is_left_alone(ledger: RunLedger) -> None:
    ledger.opened("1-1", intend(ledger), "another uid")
    found = sweep(Cluster("1-1", channels=FOREIGN), ledger).find()
    assert not found and found.not_ours == ("1-1",)


@pytest.mark.parametrize("ahead", [timedelta(hours=-5), timedelta(0), timedelta(hours=5)])
def test_only_the_clock_of_the_cluster_decides(ledger: RunLedger, ahead: timedelta) -> None:
    """The run was killed before its job was seen, and the cluster's clock differs from this machine's by hours."""
    ledger.opened("1-1", intend(ledger, at=NOW + ahead))
    assert sweep(Cluster("1-1", created=NOW + ahead, ahead=ahead), ledger).find().investigations == ("1-1",)
    before = Cluster("1-1", created=NOW + ahead - timedelta(minutes=1), ahead=ahead)
    assert sweep(before, ledger).find().not_ours == ("1-1",)


@pytest.mark.parametrize(
    ("at", "is_certain", "ahead"),
    [
        (timedelta(hours=3), True, timedelta(0)),  # written by a clock that was ahead
        (timedelta(0), False, timedelta(0)),  # written while the clock of the cluster was unknown
        (timedelta(0), True, None),  # the clock of the cluster is unknown now
    ],
)
def test_where_times_cannot_be_compared_it_cannot_be_told(
    ledger: RunLedger, at: timedelta, is_certain: bool, ahead: timedelta | None
) -> None:
    """The result is neither "nothing is left" nor "another user's": the channels are ours."""
    intention = ledger.intend(NOW + at, OWN, 1, is_certain)
    ledger.opened("1-1", intention)
    cluster = Cluster("1-1", "2-2", created=NOW - timedelta(minutes=1), ahead=ahead)
    cluster.jobs["3-3"] = (NOW, FOREIGN)
    for exclusive in (True, False):
        found = sweep(cluster, ledger, exclusive).find()
        assert found.not_known == ("1-1",) and found.perhaps_ours == ("2-2",)
        assert found and not found.investigations and not found.not_ours


def test_a_namespace_that_shows_nothing_at_all_proves_nothing(ledger: RunLedger) -> None:
    """A namespace that does not exist answers each list with nothing."""
    cluster = Cluster()
    cluster.shows_the_product = False
    with pytest.raises(CannotTell, match="namespace panda shows neither job, pod nor service"):
        sweep(cluster, ledger).find()


def test_a_job_of_other_channels_is_not_ours(ledger: RunLedger) -> None:
    ledger.opened("1-1", intend(ledger))
    assert sweep(Cluster("1-1", channels=FOREIGN), ledger).find().not_ours == ("1-1",)


def test_of_an_old_ledger_it_cannot_be_told(ledger: RunLedger, tmp_path: Path) -> None:
    file = ledger_file(tmp_path / "reports", "staging")
    file.parent.mkdir()
    file.write_text('{"opened": "1-1", "at": "2026-11-01T10:00:00+00:00"}\n')
    found = sweep(Cluster("1-1"), ledger).find()
    assert found and found.not_known == ("1-1",) and not found.investigations


def test_what_no_answer_has_named_is_perhaps_ours_and_removed_only_when_named(ledger: RunLedger) -> None:
    intend(ledger, number=3)
    cluster = Cluster("1-1", "2-2")
    cluster.jobs["3-3"] = (NOW, FOREIGN)
    cluster.jobs["4-4"] = (NOW - timedelta(minutes=1), OWN)
    found = sweep(cluster, ledger).find()
    assert found and found.perhaps_ours == ("1-1", "2-2") and not found.investigations
    assert sweep(cluster, ledger).remove(found.naming([])) == [] and cluster.removed == []
    assert sweep(cluster, ledger).remove(found.naming(["2-2", "3-3"])) == [] and cluster.removed == ["2-2"]


def test_where_nobody_else_opens_it_is_ours_by_its_channels(ledger: RunLedger) -> None:
    intend(ledger, number=3)
    cluster = Cluster("1-1")
    cluster.jobs["3-3"] = (NOW, FOREIGN)
    found = sweep(cluster, ledger, exclusive=True).find()
    assert found.investigations == ("1-1",) and not found.doubtful


def test_a_request_that_waited_for_what_was_away_goes_on_when_that_is_back(ledger: RunLedger) -> None:
    """The run was killed while MongoDB was cut off and the server worked on a request; a sweep restores MongoDB."""
    intend(ledger, at=NOW - timedelta(hours=1))
    cluster = Cluster()
    assert not sweep(cluster, ledger, exclusive=True).find()
    undone_at = cluster.clock.now()
    opens = threading.Timer(0.3, cluster.jobs.update, [{"1-1": (undone_at, OWN)}])
    opens.start()
    found = sweep(cluster, ledger, exclusive=True).find(undone_at)
    opens.join()
    assert found.investigations == ("1-1",)
    assert found.besides(Leftovers()) == found and not found.besides(found)


def test_without_channels_the_time_decides(ledger: RunLedger) -> None:
    intend(ledger, channels=None)
    assert sweep(Cluster("1-1", channels=FOREIGN), ledger, exclusive=True).find().perhaps_ours == ("1-1",)


def test_what_a_live_run_has_opened_is_left_alone(tmp_path: Path) -> None:
    ledger = RunLedger(tmp_path / "ledger.jsonl")
    intention = intend(ledger, number=2)
    ledger.opened("1-1", intention, "uid of 1-1")
    cluster = Cluster("1-1", "2-2")
    assert not sweep(cluster, ledger).find()
    sweep(cluster, ledger).close_the_books()
    assert [entry.job_id for entry in ledger.pending()] == ["1-1"] and ledger.unsettled() == [intention]


def test_what_is_gone_already_is_no_leftover_and_the_books_are_closed(ledger: RunLedger) -> None:
    ledger.opened("1-1", intend(ledger))
    assert not sweep(Cluster(), ledger).find()
    sweep(Cluster(), ledger).close_the_books()
    assert ledger.pending() == [] and ledger.unsettled() == []
