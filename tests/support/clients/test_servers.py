"""Server pods in all states: evicted, ended, terminating, on a lost node, with several containers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from support.checks.ambient import AmbientChecks
from support.checks.cluster import has_a_readable_log, has_ready_servers, has_steady_servers
from support.clients.kubernetes.client import ClusterError, Pod
from support.clients.kubernetes.servers import Servers, container_of, default_container
from support.infrastructure.cluster import ClusterExamination

WORKLOAD = SimpleNamespace(
    deployment="panda-panda-focus-server", port=5000, pod_selector="app=focus-server", container=None
)
SERVER = {"name": "app", "image": "registry/focus-server:1.2", "ports": [{"containerPort": 5000}]}
MESH = {"name": "mesh-proxy", "image": "istio/proxyv2:1.20", "ports": [{"containerPort": 15090}]}


def pod(name: str = "server-1", phase: str = "Running", *, containers: Any = (SERVER,), **more: Any) -> Pod:
    metadata = {"name": name, "uid": name, **more.pop("metadata", {})}
    ready = [{"type": "Ready", "status": "True"}] if phase == "Running" else []
    status = {"phase": phase, "conditions": ready, **more}
    return Pod.parse({"metadata": metadata, "spec": {"containers": list(containers)}, "status": status})


class Cluster:
    """A cluster with logs by pod. A pod without an entry answers 404, like an evicted one."""

    def __init__(self, *pods: Pod, **logs: str) -> None:
        self.listed, self.logs = list(pods), logs
        self.asked: list[tuple[str, str | None, int | None]] = []

    def pods(self, label_selector: str | None = None) -> list[Pod]:
        assert label_selector == WORKLOAD.pod_selector
        return self.listed

    def pod_log(self, name: str, tail_lines: int | None = None, container: str | None = None, since: Any = None) -> str:
        self.asked.append((name, container, tail_lines))
        log = self.logs.get(name.replace("-", "_"))
        if log is None:
            raise ClusterError(f"GET log of {name}", 404, f'pods "{name}" not found')
        return "\n".join(log.splitlines()[-(tail_lines or 10**9) :])


def ambient(cluster: Cluster) -> AmbientChecks:
    services = SimpleNamespace(focus_server=WORKLOAD)
    return AmbientChecks(cluster, SimpleNamespace(kubernetes=SimpleNamespace(services=services)))  # type: ignore[arg-type]


DEAD = [
    pod("dead", "Failed", reason="Evicted"),
    pod("dead", "Succeeded"),
    pod("dead", "Unknown"),
    pod("dead", "Pending"),
    pod("dead", "Failed", reason="NodeShutdown", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize("dead", DEAD)
def test_only_running_pods_are_asked_for_their_log(dead: Pod) -> None:
    cluster = Cluster(dead, pod(), server_1="started\n")
    checks = ambient(cluster)
    before = checks.look()
    assert checks.troubles_since(before) == []
    assert {name for name, _, _ in cluster.asked} == {"server-1"}


def test_a_server_that_is_evicted_while_a_scenario_runs_is_trouble() -> None:
    cluster = Cluster(pod(), server_1="started\n")
    checks = ambient(cluster)
    before = checks.look()
    cluster.listed = [pod("server-1", "Failed", reason="Evicted")]
    assert checks.troubles_since(before) == ["server-1 has ended: Evicted"]


def states(**restarts: int) -> list[dict[str, Any]]:
    return [{"name": name.replace("_", "-"), "restartCount": times} for name, times in restarts.items()]


def test_a_restart_of_a_proxy_is_none_of_the_server() -> None:
    both = {"containers": (SERVER, MESH)}
    cluster = Cluster(pod(**both, containerStatuses=states(app=0, mesh_proxy=1)), server_1="started\n")
    checks = ambient(cluster)
    before = checks.look()
    cluster.listed = [pod(**both, containerStatuses=states(app=0, mesh_proxy=9))]
    assert checks.troubles_since(before) == []
    services = SimpleNamespace(focus_server=WORKLOAD)
    environment: Any = SimpleNamespace(
        kubernetes=SimpleNamespace(services=services), limits=SimpleNamespace(max_restarts=5)
    )
    facts: Any = SimpleNamespace(servers=tuple(cluster.listed))
    assert has_steady_servers(environment).trouble(facts) is None
    cluster.listed = [pod(**both, containerStatuses=states(app=7, mesh_proxy=9))]
    assert checks.troubles_since(before) == ["server-1 was restarted 7 times"]
    facts.servers = tuple(cluster.listed)
    assert has_steady_servers(environment).trouble(facts) == "server-1 was restarted 7 times"


def test_an_unreadable_log_of_a_pod_on_its_way_out_is_told_once() -> None:
    cluster = Cluster(pod("old", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), pod(), server_1="started\n")
    checks = ambient(cluster)
    checks.troubles_since(checks.look())
    assert checks.new_remarks() == ['the log of old, which is no longer at work, cannot be read: pods "old" not found']
    checks.look()
    assert checks.new_remarks() == []


def test_an_unreadable_log_of_a_server_at_work_is_no_silence() -> None:
    with pytest.raises(ClusterError, match="not found"):
        ambient(Cluster(pod())).look()


def test_an_error_before_the_last_lines_is_seen() -> None:
    cluster = Cluster(pod(), server_1="started\n")
    checks = ambient(cluster)
    before = checks.look()
    cluster.logs["server_1"] += "12:00 ERROR it broke\n" + "fine\n" * 600
    assert checks.troubles_since(before) == ["server-1 logged 1 errors, the first: 12:00 ERROR it broke"]


def test_a_server_that_is_not_seen_is_remarked_once() -> None:
    """No pod matches the labels, or the server logs elsewhere: errors would not be seen in either case."""
    checks = ambient(Cluster())
    assert checks.troubles_since(checks.look()) == []
    blind = "no pod with the labels app=focus-server runs: whether the Focus Server restarts or logs errors is not seen"
    assert checks.new_remarks() == [blind]
    silent = ambient(Cluster(pod(), server_1="\n"))
    silent.troubles_since(silent.look())
    assert silent.new_remarks() == ["the log of server-1 is empty: whether it logs errors is not seen"]
    assert silent.new_remarks() == []


NAMELESS = {"name": "a", "image": "x"}


@pytest.mark.parametrize(
    ("containers", "annotations", "expected"),
    [
        ((SERVER,), {}, None),
        ((MESH, SERVER), {}, "app"),
        (({"name": "a", "image": "registry:5000/x/focus-server@sha256:00"}, NAMELESS | {"name": "b"}), {}, "a"),
        (({"name": "panda-panda-focus-server", "image": "x"}, MESH), {}, "panda-panda-focus-server"),
        ((NAMELESS, MESH), {"kubectl.kubernetes.io/default-container": "a"}, "a"),
        ((SERVER, SERVER | {"name": "copy", "image": "other"}), {}, "app"),
    ],
)
def test_the_container_that_is_the_server_is_found(containers: Any, annotations: Any, expected: str | None) -> None:
    assert container_of(pod(containers=containers, metadata={"annotations": annotations}), WORKLOAD) == expected


def test_the_environment_may_name_the_container() -> None:
    named = SimpleNamespace(**{**vars(WORKLOAD), "container": "a"})
    assert container_of(pod(containers=(NAMELESS, MESH)), named) == "a"


def test_a_pod_whose_server_is_unclear_says_what_to_do() -> None:
    with pytest.raises(ClusterError, match=r"containers a, mesh-proxy.*kubernetes.services.focus_server.container"):
        Servers(Cluster(), WORKLOAD).log(pod(containers=(NAMELESS, MESH)))


def test_the_log_of_the_server_and_not_of_its_mesh_is_judged() -> None:
    cluster = Cluster(pod(containers=(MESH, SERVER)), server_1="started\n")
    assert Servers(cluster, WORKLOAD).log(cluster.listed[0], tail_lines=10) == "started"
    assert cluster.asked == [("server-1", "app", 10)]


def test_a_job_pod_with_a_sidecar_has_a_default_container() -> None:
    assert default_container(pod()) is None
    assert default_container(pod(containers=(NAMELESS, MESH))) == "a"
    annotated = {"annotations": {"kubectl.kubernetes.io/default-container": "mesh-proxy"}}
    assert default_container(pod(containers=(NAMELESS, MESH), metadata=annotated)) == "mesh-proxy"


LEAVING = pod("leaving", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize("dead", [*DEAD[:2], LEAVING])
def test_a_dead_pod_beside_a_server_at_work_is_no_unfit_server(dead: Pod) -> None:
    services = SimpleNamespace(focus_server=WORKLOAD)
    limits = SimpleNamespace(max_restarts=5, log_lines=10)
    environment: Any = SimpleNamespace(kubernetes=SimpleNamespace(services=services), limits=limits)
    cluster: Any = Cluster(dead, pod())
    examination = ClusterExamination(cluster, environment)
    facts: Any = SimpleNamespace(servers=tuple(examination.focus_servers()))
    assert has_ready_servers(environment).matches(facts)
    cluster.listed = [dead]
    nobody: Any = SimpleNamespace(servers=tuple(examination.focus_servers()))
    assert not has_ready_servers(environment).matches(nobody)
    assert not has_steady_servers(environment).matches(nobody)


def examination(cluster: Any) -> Any:
    services = SimpleNamespace(focus_server=SimpleNamespace(**vars(WORKLOAD), service="focus-server"))
    limits = SimpleNamespace(max_restarts=5, log_lines=10)
    environment: Any = SimpleNamespace(kubernetes=SimpleNamespace(services=services), limits=limits)
    for name in ("services", "namespaces", "nodes"):
        setattr(cluster, name, list)
    cluster.version = lambda: "v1.34.1"
    return ClusterExamination(cluster, environment).examine(), environment


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        (Cluster(pod()), 'the log of server-1 cannot be read: pods "server-1" not found'),
        (Cluster(pod(containers=(NAMELESS, MESH))), "name it in kubernetes.services.focus_server.container"),
        (Cluster(pod("server-1", "Pending")), "no Focus Server runs"),
        (Cluster(pod(), server_1="\n"), "the log of the Focus Server is empty"),
    ],
)
def test_a_log_that_cannot_be_read_is_one_finding_and_not_five_errors(cluster: Cluster, told: str) -> None:
    facts, environment = examination(cluster)
    assert facts.version == "v1.34.1"
    assert told in str(has_a_readable_log(environment).trouble(facts))


def test_a_log_that_can_be_read_is_fine() -> None:
    facts, environment = examination(Cluster(pod(), server_1="started\n"))
    assert has_a_readable_log(environment).trouble(facts) is None
