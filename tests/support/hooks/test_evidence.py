"""The evidence kept of a failed scenario: its files state both what they contain and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from support.clients.clock import ClockOffset
from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, Event, Job, Pod
from support.clients.kubernetes.watch import Seen
from support.hooks.evidence import ScenarioWindow

SERVICES = SimpleNamespace(
    focus_server=SimpleNamespace(pod_selector="app=x", deployment="x", port=5000, container=None)
)


def job(serial: int) -> Job:
    metadata = {"name": f"grpc-job-1-{serial}", "managedFields": ["noise"]}
    return Job.parse({"metadata": metadata, "kind": "Job", "spec": {"env": "token: s3cret"}})


def pod(serial: int) -> Pod:
    return Pod.parse({"metadata": {"name": f"grpc-job-1-{serial}-abcde"}, "kind": "Pod"})


def clock(offset_s: float = 0.0) -> ClockOffset:
    """The offset of a cluster whose clock is ahead by this much, as derived from one of its answers."""
    made, now = ClockOffset("the cluster"), datetime.now(UTC)
    made.note({"Date": format_datetime(now + timedelta(seconds=offset_s), usegmt=True)}, now, now)
    return made


class Cluster:
    broken = False
    offset_s = 0.0

    @property
    def clock(self) -> ClockOffset:
        return clock(self.offset_s)

    def events(self) -> list[Event]:
        if self.broken:
            raise ClusterError("GET events", 0, "connection refused")
        now = datetime.now(UTC) + timedelta(seconds=self.offset_s)
        return [
            Event("Normal", "Old", "before", "Pod", "p", now - timedelta(minutes=1)),
            Event("Warning", "BackOff", "restarting", "Pod", "p", now),
            Event("Normal", "Undated", "when", "Pod", "p", None),
        ]

    def pods(self, label_selector: str) -> list[Any]:
        if self.broken:
            raise ClusterError("GET pods", 0, "connection refused")
        return [Pod.parse({"metadata": {"name": "server-1"}})]

    def pod_log(self, name: str, tail_lines: int, container: str | None, since: datetime) -> str:
        assert abs((since - datetime.now(UTC)).total_seconds() - self.offset_s) < 2
        if name == "server-1":
            return "opened with s3cret\n"
        if name.startswith("grpc-job-1-1-"):
            return ""
        raise ClusterError("GET log", 404, f'pods "{name}" not found')


def kept(tmp_path: Path, seen: list[Seen], broken: bool = False, offset_s: float = 0.0) -> dict[str, str]:
    cluster = Cluster()
    cluster.offset_s = offset_s
    cluster.broken = broken
    journal = Journal(["s3cret"])
    journal.record("focus-server", "GET /before", "200", 0.1)
    watch = SimpleNamespace(mark=lambda: 0, since=lambda mark: seen)
    environment = SimpleNamespace(kubernetes=SimpleNamespace(services=SERVICES))
    room = SimpleNamespace(client=cluster, watch=watch)
    window = ScenarioWindow(SimpleNamespace(cluster=room, journal=journal, environment=environment))
    journal.record("focus-server", "POST /configure", "500 s3cret", 0.1)
    return {path.name: path.read_text() for path in window.keep(tmp_path / "evidence", "JL-01a", "A title")}


def changes(*objects: Job | Pod) -> list[Seen]:
    return [Seen(n, type(one).__name__.lower(), "ADDED", one, 0.0, False) for n, one in enumerate(objects, start=1)]


def test_calls_descriptions_events_and_logs_of_the_window_are_kept(tmp_path: Path) -> None:
    files = kept(tmp_path, changes(job(1), pod(1), pod(2)))
    assert sorted(files) == ["JL-01a.events.txt", "JL-01a.jobs.yaml", "JL-01a.logs.txt", "JL-01a.txt"]
    assert "POST /configure" in files["JL-01a.txt"] and "GET /before" not in files["JL-01a.txt"]
    assert files["JL-01a.events.txt"].splitlines()[0].endswith("Z Warning BackOff Pod/p: restarting")
    assert len(files["JL-01a.events.txt"].splitlines()) == 1
    assert files["JL-01a.logs.txt"].splitlines() == [
        "pod server-1:",
        "  opened with ***",
        "pod grpc-job-1-1-abcde:",
        "  nothing was written",
        "pod grpc-job-1-2-abcde:",
        '  not known: pods "grpc-job-1-2-abcde" not found',
    ]
    described = list(yaml.safe_load_all(files["JL-01a.jobs.yaml"]))
    assert [one["kind"] for one in described] == ["Job", "Pod", "Pod"]
    assert described[0]["metadata"] == {"name": "grpc-job-1-1"}
    assert "s3cret" not in "".join(files.values())


@pytest.mark.parametrize(("offset_s", "word"), [(600, "ahead of"), (-600, "behind")])
def test_the_window_is_right_by_the_clock_of_the_cluster(tmp_path: Path, offset_s: float, word: str) -> None:
    files = kept(tmp_path, changes(pod(1)), offset_s=offset_s)
    told, *events = files["JL-01a.events.txt"].splitlines()
    assert f"s {word} this machine; events since" in told
    assert len(events) == 1
    assert events[0].endswith("Warning BackOff Pod/p: restarting")
    assert "opened with ***" in files["JL-01a.logs.txt"]


def test_a_cluster_that_does_not_answer_is_told_and_the_calls_are_kept(tmp_path: Path) -> None:
    files = kept(tmp_path, [], broken=True)
    assert files["JL-01a.events.txt"] == "not known: GET events: no answer: connection refused\n"
    assert files["JL-01a.logs.txt"] == "not known: GET pods: no answer: connection refused\n"
    assert "POST /configure" in files["JL-01a.txt"]


def test_what_is_too_much_is_counted(tmp_path: Path) -> None:
    files = kept(tmp_path, changes(*(pod(serial) for serial in range(40))))
    assert files["JL-01a.jobs.yaml"].endswith("# 10 more objects, which were not kept\n")
    assert files["JL-01a.logs.txt"].endswith("35 more pods, whose logs were not kept\n")
