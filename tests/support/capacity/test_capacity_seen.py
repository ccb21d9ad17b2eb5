"""Phases from the watch: each change counts once, at its time of receipt; changes found by listing are not trusted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from support.capacity.load.cluster_evidence import Collector
from support.capacity.load.seen import Phases
from support.clients.kubernetes.client import ClusterError, Pod
from support.clients.kubernetes.watch import Seen
from support.clients.mongodb.client import DatabaseError
from support.model.recording_index import Search
from tests.support.domain import builders


class Watch:
    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def mark(self) -> int:
        return len(self.seen)

    def since(self, mark: int) -> list[Seen]:
        return self.seen[mark:]

    def see(self, kind: str, item: Any, at_s: float, change: str = "MODIFIED", late: bool = False) -> None:
        self.seen.append(Seen(len(self.seen) + 1, kind, change, item, at_s, late))


def test_phases_are_stamped_when_they_are_first_seen() -> None:
    watch = Watch()
    phases = Phases(watch)  # type: ignore[arg-type]
    watch.see("job", builders.job(active=1), 1.0, "ADDED")
    watch.see("pod", builders.pod("Pending"), 1.1, "ADDED")
    watch.see("pod", builders.pod("Pending", node="worker-node-1"), 1.2)
    watch.see("pod", builders.pod("Running", node="worker-node-1"), 1.3)
    watch.see("pod", builders.pod("Running", node="worker-node-1"), 1.4)
    phases.take_in()
    phases.note_port_open(builders.JOB_ID, 1.5)
    assert phases.reached(builders.JOB_ID) == {"job_seen": 1.0, "scheduled": 1.2, "running": 1.3, "port_open": 1.5}
    assert phases.distrusted(builders.JOB_ID) == frozenset()
    assert not phases.has_ended(builders.JOB_ID)


def test_what_was_seen_before_the_load_does_not_count() -> None:
    watch = Watch()
    watch.see("job", builders.job(active=1), 1.0, "ADDED")
    phases = Phases(watch)  # type: ignore[arg-type]
    phases.take_in()
    assert phases.reached(builders.JOB_ID) == {}


def test_what_was_found_by_listing_is_distrusted() -> None:
    watch = Watch()
    phases = Phases(watch)  # type: ignore[arg-type]
    watch.see("pod", builders.pod("Running", node="worker-node-1"), 2.0, "ADDED", late=True)
    phases.take_in()
    assert phases.distrusted(builders.JOB_ID) == {"scheduled", "running"}


def test_an_investigation_is_gone_with_its_last_object() -> None:
    watch = Watch()
    phases = Phases(watch)  # type: ignore[arg-type]
    watch.see("job", builders.job(active=1), 1.0, "ADDED")
    watch.see("service", builders.service(), 1.0, "ADDED")
    watch.see("job", builders.job(active=1), 2.0, "DELETED")
    phases.take_in()
    assert phases.gone_s(builders.JOB_ID) is None
    watch.see("service", builders.service(), 3.0, "DELETED")
    phases.take_in()
    assert phases.gone_s(builders.JOB_ID) == 3.0


def test_a_failed_pod_is_the_end_and_its_last_state_is_kept() -> None:
    watch = Watch()
    phases = Phases(watch)  # type: ignore[arg-type]
    watch.see("pod", builders.pod("Running"), 1.0, "ADDED")
    watch.see("pod", builders.pod("Failed"), 2.0)
    watch.see("pod", builders.pod("Failed"), 3.0, "DELETED")
    phases.take_in()
    assert phases.has_ended(builders.JOB_ID)
    (last,) = phases.objects("pod", {builders.JOB_ID})
    assert last["status"]["phase"] == "Failed"
    assert phases.objects("pod", {"9-9"}) == ()


class Cluster:
    """A cluster that answers lists by name and forbids reading ``events``. Each look finds a longer server log."""

    def __init__(self) -> None:
        self.log = "before the load\n"

    def list_raw(self, plural: str) -> tuple[list[Any], str]:
        if plural == "events":
            raise ClusterError("GET events", 403, "events is forbidden")
        return [{"metadata": {"name": plural}}], "1"

    def list_raw_everywhere(self, what: str) -> list[Any]:
        return [{"metadata": {"name": what}}]

    def pods(self, label_selector: str) -> list[Pod]:
        return [builders.pod("Running", name="panda-panda-focus-server-abc")]

    def pod_log(self, name: str, **_: Any) -> str:
        return self.log


def test_evidence_is_what_can_be_had_and_says_what_cannot() -> None:
    cluster = Cluster()
    server = SimpleNamespace(pod_selector="app=focus-server", deployment="focus-server", port=5000, container=None)
    environment = SimpleNamespace(
        kubernetes=SimpleNamespace(services=SimpleNamespace(focus_server=server)), capabilities={"metrics"}
    )
    collector = Collector(cluster, environment)  # type: ignore[arg-type]
    cluster.log += "during the load\n"
    evidence = collector.collect(Phases(Watch()), ())  # type: ignore[arg-type]
    assert evidence.events == ()
    assert [one["status"] for one in evidence.refusals] == [403]
    assert "events is forbidden" in evidence.refusals[0]["message"]
    assert [one["metadata"]["name"] for one in (*evidence.nodes, *evidence.all_pods, *evidence.usage)] == [
        "nodes",
        "pods",
        "usage",
    ]
    assert evidence.server_log == "during the load\n"
    assert [one["metadata"]["name"] for one in evidence.claims] == [
        "persistentvolumeclaims"
    ] and evidence.search is None


def test_how_the_database_answers_a_lookup_is_asked_and_why_it_does_not_is_told() -> None:
    server = SimpleNamespace(pod_selector="app=focus-server", deployment="focus-server", port=5000, container=None)
    services = SimpleNamespace(services=SimpleNamespace(focus_server=server))
    environment = SimpleNamespace(kubernetes=services, capabilities=set())
    scan = Search(("COLLSCAN",), 120)

    def collected(search: Any) -> Any:
        collector = Collector(Cluster(), environment)  # type: ignore[arg-type]
        return collector.collect(Phases(Watch()), (), search)  # type: ignore[arg-type]

    assert collected(lambda: scan).search == scan

    def refuses() -> Search:
        raise DatabaseError("refused", "explain: not authorised")

    refused = collected(refuses)
    assert refused.search is None and "not authorised" in str([one["message"] for one in refused.refusals])


def test_a_port_is_free_when_its_service_is_gone_whatever_else_is_left() -> None:
    watch = Watch()
    phases = Phases(watch)  # type: ignore[arg-type]
    watch.see("service", builders.service(), 1.0, "ADDED")
    watch.see("pod", builders.pod("Running", node="worker-node-1"), 1.1)
    phases.take_in()
    assert phases.port_free_s(builders.JOB_ID) is None
    watch.see("service", builders.service(), 2.0, "DELETED")
    phases.take_in()
    assert phases.port_free_s(builders.JOB_ID) == 2.0
    assert phases.gone_s(builders.JOB_ID) is None
    watch.see("service", builders.service(), 3.0, "ADDED")
    phases.take_in()
    assert phases.port_free_s(builders.JOB_ID) is None


def test_a_pod_that_no_node_takes_has_no_place_until_one_does() -> None:
    watch = Watch()
    phases = Phases(watch)  # type: ignore[arg-type]
    assert not phases.has_no_place(builders.JOB_ID)
    refused = builders.pod("Pending", conditions=[UNSCHEDULABLE])
    watch.see("pod", refused, 1.0, "ADDED")
    phases.take_in()
    assert phases.has_no_place(builders.JOB_ID)
    before = phases.progress()
    watch.see("pod", builders.pod("Pending", node="worker-node-1"), 2.0)
    phases.take_in()
    assert not phases.has_no_place(builders.JOB_ID)
    assert phases.progress() == before + 1
    watch.see("pod", builders.pod("Failed", node="worker-node-1"), 3.0)
    phases.take_in()
    assert phases.progress() == before + 2, "it ended and freed its place: another may now have one"


UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
