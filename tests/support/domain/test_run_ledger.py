"""What a killed run leaves on disk, and which jobs a sweep takes for ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.clients.kubernetes.client import Job, Service, Snapshot
from support.investigations.run_ledger import RunLedger, ledger_file
from support.investigations.sweep import Sweep


@pytest.fixture
def ledger(tmp_path: Path) -> RunLedger:
    return RunLedger(ledger_file(tmp_path / "reports", "staging"))


def test_what_was_not_released_is_pending(ledger: RunLedger) -> None:
    for job_id in ("1-1", "2-2", "3-3"):
        ledger.opened(job_id)
    ledger.released("2-2")
    assert [entry.job_id for entry in ledger.pending()] == ["1-1", "3-3"]


def test_nothing_is_pending_without_a_file(ledger: RunLedger) -> None:
    assert ledger.pending() == []


def test_line_cut_off_by_a_kill_is_left_out(ledger: RunLedger, tmp_path: Path) -> None:
    ledger.opened("1-1")
    with ledger_file(tmp_path / "reports", "staging").open("a") as file:
        file.write('{"opened": "2-')
    assert [entry.job_id for entry in ledger.pending()] == ["1-1"]


def test_forgetting_begins_anew(ledger: RunLedger) -> None:
    ledger.opened("1-1")
    ledger.forget()
    assert ledger.pending() == []


class Cluster:
    """A cluster with the jobs and services of some investigations, created at a moment."""

    def __init__(self, created: datetime, *job_ids: str, holders: bool = False) -> None:
        self._created = created.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.job_ids = list(job_ids)
        self.holders = holders
        self.removed: list[str] = []

    def snapshot(self, label_selector: str | None = None) -> Snapshot:
        holder = {"metadata": {"name": "focus-acceptance-port-1", "uid": "h"}, "spec": {}}
        services = [Service.parse(holder)] if self.holders else []
        if label_selector is None:
            services += [Service.parse(self._object(f"grpc-service-{job_id}")) for job_id in self.job_ids]
        jobs = [] if label_selector else [Job.parse(self._object(f"grpc-job-{job_id}")) for job_id in self.job_ids]
        return Snapshot(tuple(jobs), (), tuple(services), datetime.now(UTC), 0.0)

    def _object(self, name: str) -> dict[str, Any]:
        template = {"spec": {"containers": []}}
        return {
            "metadata": {"name": name, "uid": name, "creationTimestamp": self._created},
            "spec": {"template": template},
        }

    def release(self, job_id: str) -> None:
        self.removed.append(job_id)
        self.job_ids.remove(job_id)

    def delete_service(self, name: str) -> None:
        self.removed.append(name)
        self.holders = False


def sweep(cluster: Cluster, ledger: RunLedger) -> Sweep:
    environment: Any = SimpleNamespace(limits=SimpleNamespace(deadline=lambda name: 0.2))
    return Sweep(cluster, ledger, environment)  # type: ignore[arg-type]  # as much of a cluster as a sweep uses


def test_sweep_removes_what_the_ledger_names_and_proves_it(ledger: RunLedger) -> None:
    ledger.opened("1-1")
    cluster = Cluster(datetime.now(UTC), "1-1", "2-2", holders=True)
    found = sweep(cluster, ledger).find()
    assert [entry.job_id for entry in found.investigations] == ["1-1"]
    assert found.holders == (("service", "focus-acceptance-port-1"),)
    assert sweep(cluster, ledger).remove(found) == []
    assert cluster.removed == ["1-1", "focus-acceptance-port-1"]
    assert cluster.job_ids == ["2-2"] and ledger.pending() == []


def test_job_of_the_same_id_that_began_at_another_time_is_left_alone(ledger: RunLedger) -> None:
    ledger.opened("1-1")
    found = sweep(Cluster(datetime.now(UTC) - timedelta(hours=1), "1-1"), ledger).find()
    assert not found.investigations and found.not_ours == ("1-1",)


def test_what_is_gone_already_is_no_leftover(ledger: RunLedger) -> None:
    ledger.opened("1-1")
    assert not sweep(Cluster(datetime.now(UTC)), ledger).find()
