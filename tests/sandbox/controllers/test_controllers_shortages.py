"""Shortages made by faults: each is reported in the words of the real control plane."""

from __future__ import annotations

import asyncio

import pytest

from environments.sandbox.kubernetes.controllers import shortages
from environments.sandbox.kubernetes.controllers.meta import GPU, condition, is_true
from environments.sandbox.kubernetes.http.flow_control import BURST, LIMITED_USER, RETRY_AFTER_S, FlowControl
from environments.sandbox.kubernetes.store.errors import ApiError
from environments.sandbox.kubernetes.store.object_store import Store
from tests.sandbox.controllers.cluster import Cluster, Object, play


def workers(store: Store) -> list[Object]:
    return [node for node in store.list("nodes") if GPU in node["status"]["capacity"]]


def offered(cluster: Cluster, resource: str) -> set[str]:
    return {node["status"]["allocatable"][resource] for node in workers(cluster.store)}


@pytest.mark.parametrize(
    ("fault", "resource", "less", "usual"),
    [
        ("gpu-slices-short", GPU, "60", "120"),
        ("pods-per-node-short", "pods", "55", "250"),
        ("cpu-short", "cpu", "7", "112"),
        ("memory-short", "memory", "35Gi", "1024Gi"),
    ],
)
def test_a_worker_offers_less_while_the_fault_is_on(fault: str, resource: str, less: str, usual: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults(fault)
        await cluster.until("less is offered", lambda: offered(cluster, resource) == {less})
        assert {node["status"]["capacity"][resource] for node in workers(cluster.store)} == {usual}
        cluster.set_faults()
        await cluster.until("everything is offered", lambda: offered(cluster, resource) == {usual})

    play(scenario, gpu_slices=240, pods_per_node=250)


def test_settings_of_the_nodes() -> None:
    async def scenario(cluster: Cluster) -> None:
        assert offered(cluster, "cpu") == {"3"} and offered(cluster, "memory") == {"9Gi"}
        assert cluster.store.get("resourcequotas", "panda-pods", "panda")["spec"]["hard"] == {"pods": "50"}

    play(scenario, node_cpu=3, node_memory_gi=9, pod_quota=50)


def test_a_quota_of_fifty_pods_refuses_the_pod_of_a_job_that_exists() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults(shortages.QUOTA_SHORT)
        for number in range(50):
            cluster.create_job(f"grpc-job-{number}-1", gpu=0)
        await cluster.until("the quota is used up", lambda: cluster.store.count("pods") == 50)
        await cluster.settled()
        refused = [job for job in cluster.store.list("jobs", "panda") if not cluster.pods(job["metadata"]["name"])]
        assert len(refused) == 4  # as many pods always exist
        text = cluster.events(refused[0]["metadata"]["name"])["FailedCreate"]
        wanted = "is forbidden: exceeded quota: panda-pods, requested: pods=1, used: pods=50, limited: pods=50"
        assert text.startswith("Error creating: pods ") and text.endswith(wanted)
        cluster.set_faults()
        await cluster.until("every job has its pod", lambda: cluster.store.count("pods") == 54)

    play(scenario)


def test_kubernetes_gives_away_150_ports() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults(shortages.PORTS_SHORT)
        with pytest.raises(ApiError, match="The range of valid ports is 12301-12450"):
            cluster.create_service("beyond", nodePort=12451)
        for number in range(150):
            cluster.create_service(f"service-{number}")
        with pytest.raises(ApiError, match="failed to allocate a nodePort: range is full") as caught:
            cluster.create_service("one-too-many")
        assert (caught.value.code, caught.value.reason) == (500, "InternalError")
        cluster.set_faults()
        cluster.create_service("beyond", nodePort=12451)

    play(scenario, nodeport_last=12700)


def test_leaked_services_hold_their_ports_and_are_gone_with_the_fault() -> None:
    async def scenario(cluster: Cluster) -> None:
        before = cluster.store.count("services")
        cluster.set_faults(shortages.PORTS_LEAKED)
        await cluster.until("services leaked", lambda: cluster.store.count("services") == before + 250)
        with pytest.raises(ApiError, match="provided port is already allocated"):
            cluster.create_service("wanted", nodePort=12550)
        cluster.set_faults()
        await cluster.until("they are gone", lambda: cluster.store.count("services") == before)

    play(scenario, nodeport_last=12700)


def test_an_unreachable_node_takes_no_pod_and_its_jobs_are_not_ready() -> None:
    lost = "untolerated taint {node.kubernetes.io/unreachable: }"

    async def scenario(cluster: Cluster) -> None:
        for number in range(4):
            cluster.create_job(f"grpc-job-{number}-1")
            cluster.run(await cluster.placed(f"grpc-job-{number}-1"))

        def ready() -> int:
            return sum(is_true(pod, "Ready") for number in range(4) for pod in cluster.pods(f"grpc-job-{number}-1"))

        cluster.set_faults("node-unreachable")
        await cluster.until("two pods are not known to be ready", lambda: ready() == 2)
        node = cluster.store.get("nodes", "worker-node-2")
        heard = condition(node, "Ready")
        assert heard is not None and (heard["status"], heard["reason"]) == ("Unknown", "NodeStatusUnknown")
        cluster.create_job("grpc-job-9-9")
        pod = (await cluster.until("its pod", lambda: cluster.pods("grpc-job-9-9")))[0]
        await cluster.until("it waits", lambda: lost in str(cluster.pods("grpc-job-9-9")[0]["status"]))
        cluster.set_faults()
        await cluster.until("all are ready again", lambda: ready() == 4)
        assert cluster.store.get("nodes", "worker-node-2")["spec"].get("taints") is None
        assert not pod["spec"].get("nodeName")

    play(scenario)


def test_a_slow_job_controller_starts_one_pod_after_the_other() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults("job-controller-slow")
        before = cluster.store.count("pods")
        started_s = asyncio.get_running_loop().time()
        for number in range(20):
            cluster.create_job(f"grpc-job-{number}-1", gpu=0)
        await cluster.until("five pods", lambda: cluster.store.count("pods") >= before + 5)
        made = cluster.store.count("pods") - before  # six, say, if this machine looked late
        assert asyncio.get_running_loop().time() - started_s >= 0.1 * (made - 1)  # the first one comes at once
        cluster.set_faults()
        await cluster.until("the others at once", lambda: cluster.store.count("pods") == before + 20, within_s=0.5)

    play(scenario)


def test_flow_control_refuses_creations_of_focus_server_beyond_its_share() -> None:
    async def scenario() -> None:
        control = FlowControl()
        for _ in range(BURST):
            control.check(LIMITED_USER, "POST")
        for user, method in ((LIMITED_USER, "DELETE"), (LIMITED_USER, "GET"), ("focus-acceptance", "POST")):
            control.check(user, method)
        with pytest.raises(ApiError) as caught:
            control.check(LIMITED_USER, "POST")
        assert (caught.value.code, caught.value.reason) == (429, "TooManyRequests")
        assert caught.value.headers is not None and caught.value.headers["Retry-After"] == str(RETRY_AFTER_S)

    asyncio.run(scenario())
