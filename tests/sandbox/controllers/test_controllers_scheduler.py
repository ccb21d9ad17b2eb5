from __future__ import annotations

import pytest

from environments.sandbox.shared import quantities
from tests.sandbox.controllers.cluster import Cluster, Object, play

NO_SLICE = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "2 Insufficient nvidia.com/gpu.shared. no new claims to deallocate, preemption: 0/3 nodes are available: "
    "1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
)


def _scheduled(pod: Object) -> Object | None:
    found = (each for each in pod["status"].get("conditions", ()) if each["type"] == "PodScheduled")
    return next(found, None)


async def _fill(cluster: Cluster, count: int) -> list[Object]:
    for number in range(count):
        cluster.create_job(f"grpc-job-{number}-1")
    return [await cluster.placed(f"grpc-job-{number}-1") for number in range(count)]


def test_pods_are_spread_over_the_workers_and_the_event_says_where() -> None:
    async def scenario(cluster: Cluster) -> None:
        pods = await _fill(cluster, 4)
        nodes = sorted(pod["spec"]["nodeName"] for pod in pods)
        assert nodes == ["worker-node-1", "worker-node-1", "worker-node-2", "worker-node-2"]
        name, node = pods[0]["metadata"]["name"], pods[0]["spec"]["nodeName"]
        assert cluster.events(name)["Scheduled"] == f"Successfully assigned panda/{name} to {node}"

    play(scenario)


def test_without_a_free_slice_the_pod_waits_says_why_and_starts_when_one_is_freed() -> None:
    async def scenario(cluster: Cluster) -> None:
        pods = await _fill(cluster, 4)
        cluster.create_job("grpc-job-9-9")
        await cluster.until("it says why", lambda: "FailedScheduling" in cluster.events("grpc-job-9-9-"))
        condition = _scheduled(cluster.pods("grpc-job-9-9")[0])
        assert condition is not None
        assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", NO_SLICE)
        assert cluster.events("grpc-job-9-9-")["FailedScheduling"] == NO_SLICE
        cluster.end(pods[0], "Succeeded")
        pod = await cluster.placed("grpc-job-9-9")
        assert pod["spec"]["nodeName"] == pods[0]["spec"]["nodeName"]

    play(scenario)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda node: node["spec"].update(unschedulable=True), "2 node(s) were unschedulable"),
        (lambda node: node["status"]["allocatable"].update(pods="0"), "2 Too many pods"),
        (
            lambda node: node["status"]["allocatable"].update(cpu="0", memory="1Gi"),
            "2 Insufficient cpu, 2 Insufficient memory",
        ),
    ],
)
def test_other_reasons_have_the_words_of_the_scheduler(change: object, text: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        for node in ("worker-node-1", "worker-node-2"):
            cluster.store.mutate("nodes", node, None, change)  # type: ignore[arg-type]  # parametrized
        await cluster.settled()
        requests = {"cpu": "1", "memory": "2Gi"}
        container = {"name": "c", "image": "i", "resources": {"requests": requests}}
        cluster.store.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [container]}}, "panda")
        await cluster.until("it waits", lambda: _scheduled(cluster.store.get("pods", "p", "panda")))
        message = _scheduled(cluster.store.get("pods", "p", "panda"))
        assert message is not None
        tainted = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"
        assert f"{tainted}, {text}." in message["message"]

    play(scenario)


def test_a_node_selector_nobody_matches_is_named() -> None:
    async def scenario(cluster: Cluster) -> None:
        spec = {"containers": [{"name": "c", "image": "i"}], "nodeSelector": {"disk": "ssd"}}
        cluster.store.create("pods", {"metadata": {"name": "p"}, "spec": spec}, "panda")
        await cluster.until("it waits", lambda: _scheduled(cluster.store.get("pods", "p", "panda")))
        message = _scheduled(cluster.store.get("pods", "p", "panda"))
        assert message is not None
        assert "2 node(s) didn't match Pod's node affinity/selector" in message["message"]

    play(scenario)


def test_fault_jobs_stay_pending() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults("jobs-stay-pending")
        cluster.create_job()
        cluster.create_job("cleanup-job-1-1", gpu=0)
        await cluster.placed("cleanup-job-1-1")
        (pod,) = cluster.pods("grpc-job-1-1")
        assert "nodeName" not in pod["spec"]
        assert _scheduled(pod) is None
        cluster.set_faults()
        await cluster.placed("grpc-job-1-1")

    play(scenario)


def test_fault_gpu_slice_not_returned() -> None:
    async def scenario(cluster: Cluster) -> None:
        pods = await _fill(cluster, 4)
        cluster.set_faults("gpu-slice-not-returned")
        cluster.end(pods[0], "Failed")
        cluster.create_job("grpc-job-9-9")
        await cluster.until("it waits", lambda: cluster.events("grpc-job-9-9-").get("FailedScheduling") == NO_SLICE)
        cluster.set_faults()
        await cluster.placed("grpc-job-9-9")

    play(scenario)


def test_fault_unschedulable_without_reason() -> None:
    async def scenario(cluster: Cluster) -> None:
        await _fill(cluster, 4)
        cluster.set_faults("unschedulable-without-reason")
        cluster.create_job("grpc-job-9-9")
        await cluster.settled()
        (pod,) = cluster.pods("grpc-job-9-9")
        assert _scheduled(pod) is None
        assert cluster.events("grpc-job-9-9-") == {}
        cluster.set_faults()
        await cluster.until("it says why", lambda: _scheduled(cluster.pods("grpc-job-9-9")[0]))

    play(scenario)


def test_fault_waiting_pods_forgotten() -> None:
    async def scenario(cluster: Cluster) -> None:
        pods = await _fill(cluster, 4)
        cluster.create_job("grpc-job-9-9")
        await cluster.until("it waits", lambda: "FailedScheduling" in cluster.events("grpc-job-9-9-"))
        cluster.set_faults("waiting-pods-forgotten")
        cluster.forget(pods[0])
        await cluster.settled()
        assert "nodeName" not in cluster.pods("grpc-job-9-9")[0]["spec"]
        cluster.set_faults()
        await cluster.placed("grpc-job-9-9")

    play(scenario)


def test_fault_gpu_granted_on_node_without_gpus() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults("gpu-granted-on-node-without-gpus")
        cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        assert pod["spec"]["nodeName"] == "master-node"
        assert "nvidia.com/gpu.shared" not in cluster.store.get("nodes", "master-node")["status"]["allocatable"]

    play(scenario)


@pytest.mark.parametrize(
    ("resource", "quantity", "number", "text"),
    [
        ("cpu", "100m", 100, "100m"), ("cpu", "2", 2000, "2"), ("memory", "512Mi", 512 * 2**20, "512Mi"),
        ("memory", "1G", 10**9, "1000000000"), ("pods", "50", 50, "50"), ("cpu", "1e3", 10**6, "1000"),
    ],
)  # fmt: skip
def test_quantities(resource: str, quantity: str, number: int, text: str) -> None:
    assert quantities.amount(resource, quantity) == number
    assert quantities.text(resource, number) == text
