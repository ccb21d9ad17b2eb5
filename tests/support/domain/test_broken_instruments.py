"""Instruments that cannot see report exactly that, and never "all well"."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from support.capacity.load.full_site import FullSite
from support.checks import resources
from support.clients.kubernetes.client import Pod, Service, Snapshot
from support.clients.mongodb.client import ConnectionOutcome, ServerStatus
from support.clients.ssh.session import CommandResult
from support.data_quality.index import DataQuality
from support.infrastructure.access import AccessExamination
from support.infrastructure.mongodb import MongoDBExamination
from support.investigations.effects import Effects
from support.investigations.jobs import Jobs
from support.investigations.neighbours import Neighbours
from support.model.attempts import Attempt
from support.reporting.record import context as reporting
from support.resilience.parts import MONGODB, Parts
from support.resilience.workloads import Workloads
from tests.support.domain.builders import view

SOON: Any = SimpleNamespace(
    deadline=lambda name: 0.1, observation_s=0.05, mongodb_connect_s=0.1, ssh_connect_s=0.1, stale_recording_h=24
)


def empty_snapshot(*services: Service) -> Snapshot:
    return Snapshot((), (), services, datetime.now(UTC), 0.0)


class Namespace:
    """A cluster that returns these objects for each list."""

    namespace_name = "pandda"

    def __init__(self, *services: Service, pods: tuple[Pod, ...] = (), replicas: int = 1) -> None:
        self._services, self._pods, self._replicas = services, pods, replicas
        self.changed: list[str] = []

    def snapshot(self, label_selector: str | None = None) -> Snapshot:
        return empty_snapshot(*self._services)

    def services(self) -> list[Service]:
        return list(self._services)

    def jobs(self) -> list[Any]:
        return []

    def pods(self, label_selector: str | None = None) -> list[Pod]:
        return list(self._pods)

    def nodes(self) -> list[Any]:
        return []

    def deployments(self) -> list[Any]:
        return [SimpleNamespace(name="mongodb", kind="Deployment", replicas=self._replicas, ready=0)]

    def scale(self, workload: Any, replicas: int) -> None:
        self.changed.append(f"scale to {replicas}")

    def delete_pod(self, name: str) -> None:
        self.changed.append(f"delete {name}")


PRODUCT = Service.parse({"metadata": {"name": "panda-panda-focus-server", "uid": "p"}, "spec": {}})


def effects(cluster: Namespace, neighbours: Neighbours) -> Effects:
    watch = SimpleNamespace(mark=lambda: 0, wait_for_change=lambda after, timeout_s: after, since=lambda mark: [])
    environment: Any = SimpleNamespace(limits=SOON)
    return Effects(cluster, SimpleNamespace(watch=watch), environment, neighbours)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "neighbours", [Neighbours(on_the_cluster=False), Neighbours(on_the_cluster=True), Neighbours(False, True)]
)
def test_nothing_is_started_in_a_namespace_that_is_seen(neighbours: Neighbours) -> None:
    answer: Any = None
    attempt = Attempt({}, answer, frozenset())
    effects(Namespace(PRODUCT), neighbours).hold_nothing_started(attempt)
    with pytest.raises(AssertionError, match="namespace pandda shows neither job, pod nor service"):
        effects(Namespace(), neighbours).hold_nothing_started(attempt)


def workloads(cluster: Namespace) -> Workloads:
    service = SimpleNamespace(workload_kind="Deployment", deployment="mongodb", pod_selector="app=mongodb")
    services = SimpleNamespace(mongodb=service, rabbitmq=service, focus_server=service)
    environment: Any = SimpleNamespace(kubernetes=SimpleNamespace(services=services), limits=SOON)
    changes: Any = SimpleNamespace(begin=lambda *_, **__: None)
    client: Any = cluster
    return Workloads(client, Parts(client, environment), {MONGODB: lambda: False}, environment, changes)


ENDED = Pod.parse({"metadata": {"name": "mongodb-1", "uid": "1"}, "status": {"phase": "Failed"}})


@pytest.mark.parametrize("pods", [(), (ENDED,)])
@pytest.mark.parametrize("take_away", [Workloads.stop, Workloads.crash])
def test_what_does_not_run_is_not_taken_away(take_away: Any, pods: tuple[Pod, ...]) -> None:
    """If the labels match nothing, "it is gone" and "it was replaced" would both be true at once."""
    cluster = Namespace(pods=pods)
    with pytest.raises(AssertionError, match="MongoDB does not run: .* no pod with the labels app=mongodb"):
        take_away(workloads(cluster), MONGODB)
    assert cluster.changed == []


class CountingDatabase:
    """Scripted connection counts before and after a visit; ``made`` counts all connections ever made."""

    def __init__(self, current: list[int], made: list[int], visit: str = "ok") -> None:
        self._current, self._made, self._visit = current, made, visit

    def server_status(self) -> ServerStatus:
        take = lambda values: values.pop(0) if len(values) > 1 else values[0]  # noqa: E731
        return ServerStatus("mongodb-1", "8.0", take(self._current), take(self._made))

    def probe(self) -> ConnectionOutcome:
        return ConnectionOutcome(self._visit, "in words", 0.1)


def visits(client: CountingDatabase) -> tuple[int, int]:
    environment: Any = SimpleNamespace(mongodb=None, limits=SOON)
    return MongoDBExamination(client, environment).connections_after_leaving()  # type: ignore[arg-type]


def test_a_visitor_who_is_counted_and_goes_leaves_nothing() -> None:
    assert visits(CountingDatabase([5, 5], [100, 103])) == (5, 5)


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (CountingDatabase([5], [100]), "still says that 100 were made in all"),
        (CountingDatabase([5], [100, 101], "unreachable"), "nobody could connect: unreachable: in words"),
        (CountingDatabase([0], [100, 101]), "not even the one over which it is asked"),
    ],
)
def test_a_database_that_does_not_see_who_comes_counts_nothing(client: CountingDatabase, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        visits(client)


class Host:
    """A host that shows its open logins; with ``blind`` it always shows one."""

    def __init__(self, blind: bool) -> None:
        self._blind, self._open = blind, 0

    def connect_target(self) -> Any:
        host = self

        class Session:
            def __enter__(self) -> Any:
                host._open += 1
                return self

            def __exit__(self, *_: object) -> None:
                host._open -= 1

            def run(self, command: str) -> CommandResult:
                lines = 1 if host._blind else host._open
                return CommandResult(command, 0, "0 0 10.0.0.1:22 10.0.0.2:51000\n" * lines, "", 0.0)

        return Session()


@pytest.mark.parametrize("blind", [False, True])
def test_a_host_that_does_not_see_who_comes_counts_nothing(blind: bool) -> None:
    ssh = SimpleNamespace(target=SimpleNamespace(port=22), jump=None)
    environment: Any = SimpleNamespace(ssh=ssh, limits=SOON)
    journal: Any = None
    examination = AccessExamination(Host(blind), environment, journal)  # type: ignore[arg-type]
    expected = pytest.raises(AssertionError, match="shows 1, also while a second login is open")
    with expected if blind else nullcontext():
        assert examination.connections_after_leaving() == (1, 1)


def full_site(cluster: Namespace) -> FullSite:
    capacity = SimpleNamespace(first_stream_port=12301, last_stream_port=12310, waiting_jobs=5)
    environment: Any = SimpleNamespace(limits=SOON, capacity=capacity, focus_server=SimpleNamespace(read_timeout_s=1.0))
    nobody: Any = None
    return FullSite(nobody, cluster, nobody, environment)  # type: ignore[arg-type]


def test_ports_are_not_counted_where_no_service_is_seen() -> None:
    assert full_site(Namespace(PRODUCT)).free_ports() == 10
    with pytest.raises(AssertionError, match="namespace pandda shows no service: no port can be counted"):
        full_site(Namespace()).free_ports()


def test_a_site_without_a_free_slice_is_not_a_full_one() -> None:
    with pytest.raises(AssertionError, match="no GPU slice is free: the site cannot be filled"):
        full_site(Namespace(PRODUCT)).fill()


@pytest.mark.parametrize("seen", [True, False])
def test_only_what_was_seen_can_be_cleaned_up(seen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    watch: Any = SimpleNamespace(mark=lambda: 0, wait_for_change=lambda after, timeout_s: after)
    jobs = Jobs(Namespace(PRODUCT), watch, SimpleNamespace(limits=SOON))  # type: ignore[arg-type]
    gone = view(outcome="Complete" if seen else None, phases=frozenset({"Running"} if seen else ()), job=None)
    monkeypatch.setattr(jobs, "view", lambda job_id: gone)
    expected = pytest.raises(AssertionError, match="wanted: a job object and its pod")
    with nullcontext() if seen else expected:
        jobs.wait_until_cleaned_up("3-17", "idle_cleanup_s")


@pytest.mark.parametrize(
    ("collections", "state"), [((), "does not exist"), (("guid-unrecognized_recordings",), "is empty")]
)
def test_that_nothing_was_unrecognised_is_said(collections: tuple[str, ...], state: str) -> None:
    """The collection is created on first use: its absence is neither a defect nor a proof."""
    document = {"kind": "recording", "now": datetime.now(UTC)}
    client: Any = SimpleNamespace(
        recordings_collection=lambda path: "guid",
        aggregate=lambda collection, pipeline: [document],
        collections=lambda: list(collections),
    )
    environment: Any = SimpleNamespace(mongodb=SimpleNamespace(base_path="/prisma"), limits=SOON)
    reporting.begin()
    server: Any = None
    quality = DataQuality(client, server, environment)
    quality.snapshot()
    quality.snapshot()
    told = f"collection guid-unrecognized_recordings {state}: no unrecognised recording was looked at"
    assert reporting.current().new_asides() == [told]
    assert reporting.current().new_asides() == []


SLICE = {"requests": {"nvidia.com/gpu.shared": "1", "memory": "1Gi"}, "limits": {"nvidia.com/gpu.shared": "1"}}
PROXY = {"name": "istio-proxy", "resources": {"requests": {"cpu": "10m"}}}
MOUNTED = [{"name": "storage", "mountPath": "/prisma/root/recordings"}]


def job_pod(*containers: dict[str, Any]) -> Pod:
    volumes = [{"name": "storage", "persistentVolumeClaim": {"claimName": "storage-san"}}]
    return Pod.parse({"metadata": {"name": "p"}, "spec": {"containers": list(containers), "volumes": volumes}})


@pytest.mark.parametrize("first", [True, False])
def test_a_proxy_beside_a_job_changes_nothing_of_what_the_job_is_given(first: bool) -> None:
    limits = {"limits": SLICE["limits"] | {"memory": "2Gi"}, "requests": SLICE["requests"]}
    own = {"name": "grpc-server", "resources": limits, "volumeMounts": MOUNTED}
    pod = job_pod(PROXY, own) if first else job_pod(own, PROXY)
    assert resources.asks_for_one_gpu_slice().trouble(pod) is None
    assert resources.memory_is_requested_and_limited().trouble(pod) is None
    claim: Any = SimpleNamespace(name="storage-san", phase="Bound")
    assert resources.has_storage_mounted_and_bound([claim]).trouble(pod) is None


def test_two_containers_that_ask_for_slices_are_told() -> None:
    pod = job_pod({"name": "a", "resources": SLICE}, {"name": "b", "resources": SLICE})
    assert "requests 1, 1" in str(resources.asks_for_one_gpu_slice().trouble(pod))
    unlimited = job_pod({"name": "a", "resources": SLICE}, PROXY)
    assert resources.memory_is_requested_and_limited().trouble(unlimited) == "the memory of pod p is not limited"
