from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.controllers.cluster import Cluster, play

STATIC_PODS = [
    "mongodb-79b869cc7c-vsjd9", "panda-panda-focus-server-78dbcfd9d9-kjj77",
    "panda-panda-segy-recorder-788f56f69-l89v7", "rabbitmq-panda-0",
]  # fmt: skip


def _names(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.store.list("pods", "panda")]


def _pod(cluster: Cluster, prefix: str, but_not: str = "") -> Any:
    return next(
        (
            pod for pod in cluster.store.list("pods", "panda")
            if pod["metadata"]["name"].startswith(prefix) and pod["metadata"]["uid"] != but_not
            and pod["spec"].get("nodeName")
        ),
        None,
    )  # fmt: skip


def test_the_static_workload_is_placed_when_the_controllers_have_started() -> None:
    async def scenario(cluster: Cluster) -> None:
        assert _names(cluster) == STATIC_PODS
        assert all(pod["spec"]["nodeName"].startswith("worker") for pod in cluster.store.list("pods", "panda"))
        for pod in cluster.store.list("pods", "panda"):
            cluster.run(pod)
        await cluster.settled()
        for plural in ("deployments", "statefulsets", "replicasets"):
            for workload in cluster.store.list(plural, "panda"):
                assert workload["status"]["readyReplicas"] == workload["status"]["availableReplicas"] == 1
        assert len(cluster.store.list("replicasets", "panda")) == 3
        services = {each["metadata"]["name"]: each for each in cluster.store.list("services", "panda")}
        assert sorted(services) == ["mongodb", "panda-panda-focus-server", "rabbitmq-panda", "rabbitmq-panda-headless"]
        assert not any("nodePort" in port for each in services.values() for port in each["spec"]["ports"])
        assert services["panda-panda-focus-server"]["spec"]["ports"][0]["port"] == 5000
        (subset,) = cluster.store.get("endpoints", "mongodb", "panda")["subsets"]
        assert subset["addresses"][0]["targetRef"]["name"] == "mongodb-79b869cc7c-vsjd9"
        assert subset["ports"] == [{"name": "mongodb", "port": 27017, "protocol": "TCP"}]

    play(scenario)


def test_nodes_offer_the_slices_evenly() -> None:
    async def scenario(cluster: Cluster) -> None:
        offered = [node["status"]["allocatable"] for node in cluster.store.list("nodes")]
        assert [each.get("nvidia.com/gpu.shared") for each in offered] == [None, "3", "2"]
        assert {each["pods"] for each in offered} == {"50"}

    play(scenario, gpu_slices=5)


def test_a_deleted_pod_of_a_deployment_is_replaced_under_a_new_name() -> None:
    async def scenario(cluster: Cluster) -> None:
        old = _pod(cluster, "mongodb-")
        cluster.run(old)
        cluster.store.delete("pods", old["metadata"]["name"], "panda")
        new = await cluster.until("a new one", lambda: _pod(cluster, "mongodb-", old["metadata"]["uid"]))
        assert new["metadata"]["name"].startswith("mongodb-79b869cc7c-")
        assert new["metadata"]["name"] != old["metadata"]["name"]
        await cluster.settled()
        assert "readyReplicas" not in cluster.store.get("deployments", "mongodb", "panda")["status"]
        cluster.forget(old)
        cluster.run(new)
        await cluster.settled()
        assert cluster.store.get("deployments", "mongodb", "panda")["status"]["readyReplicas"] == 1

    play(scenario)


def test_a_deployment_is_scaled_to_nothing_and_back() -> None:
    async def scenario(cluster: Cluster) -> None:
        old = _pod(cluster, "mongodb-")
        cluster.run(old)
        cluster.store.mutate("deployments", "mongodb", "panda", lambda new: new["spec"].update(replicas=0))
        await cluster.until("leaving", lambda: "deletionTimestamp" in _pod(cluster, "mongodb-")["metadata"])
        cluster.forget(old)
        await cluster.settled()
        status = cluster.store.get("deployments", "mongodb", "panda")["status"]
        assert not status.keys() & {"replicas", "readyReplicas", "availableReplicas"}
        text = cluster.events("mongodb")["ScalingReplicaSet"]
        assert text == "Scaled down replica set mongodb-79b869cc7c from 1 to 0"
        cluster.store.mutate("deployments", "mongodb", "panda", lambda new: new["spec"].update(replicas=1))
        await cluster.until("a new pod", lambda: _pod(cluster, "mongodb-"))

    play(scenario)


def test_a_changed_template_is_rolled_out() -> None:
    async def scenario(cluster: Cluster) -> None:
        old = _pod(cluster, "mongodb-")
        cluster.run(old)
        cluster.store.mutate(
            "deployments", "mongodb", "panda",
            lambda new: new["spec"]["template"]["metadata"].update(annotations={"restartedAt": "now"}),
        )  # fmt: skip
        new = await cluster.until("a new one", lambda: _pod(cluster, "mongodb-", old["metadata"]["uid"]))
        assert not new["metadata"]["name"].startswith("mongodb-79b869cc7c-")
        assert "deletionTimestamp" not in _pod(cluster, "mongodb-79b869cc7c-")["metadata"]
        cluster.run(new)
        await cluster.until("it leaves", lambda: "deletionTimestamp" in _pod(cluster, "mongodb-79b")["metadata"])

    play(scenario)


def test_a_pod_of_the_stateful_set_comes_back_under_its_name_once_it_is_gone() -> None:
    async def scenario(cluster: Cluster) -> None:
        old = _pod(cluster, "rabbitmq-panda-0")
        cluster.run(old)
        cluster.store.delete("pods", "rabbitmq-panda-0", "panda")
        await cluster.settled()
        assert _pod(cluster, "rabbitmq", old["metadata"]["uid"]) is None
        cluster.forget(old)
        await cluster.until("back", lambda: _pod(cluster, "rabbitmq-panda-0", old["metadata"]["uid"]))

    play(scenario)


def test_endpoints_follow_the_pods_of_a_service() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_service("grpc-service-1-1", targetPort=5000)
        cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        cluster.run(pod)
        address = cluster.pods("grpc-job-1-1")[0]["status"]["podIP"]

        def subsets() -> Any:
            found = cluster.store.find("endpoints", "grpc-service-1-1", "panda")
            return found["subsets"] if found else None

        await cluster.until("the pod is there", lambda: subsets() and subsets()[0]["addresses"][0]["ip"] == address)
        assert subsets()[0]["ports"] == [{"port": 5000, "protocol": "TCP"}]
        cluster.store.delete("pods", pod["metadata"]["name"], "panda")
        await cluster.until("nobody is there", lambda: subsets() == [])
        cluster.store.delete("services", "grpc-service-1-1", "panda")
        await cluster.until("gone", lambda: subsets() is None)

    play(scenario)


def test_network_policies_are_passed_on() -> None:
    async def scenario(cluster: Cluster) -> None:
        policy = {"metadata": {"name": "cut"}, "spec": {"podSelector": {}}}
        cluster.store.create("networkpolicies", policy, "panda")
        await cluster.settled()
        event, data = cluster.process.emitted[-1]
        assert event == "network_policies"
        assert [each["metadata"]["name"] for each in data["policies"]] == ["cut"]
        cluster.store.delete("networkpolicies", "cut", "panda")
        await cluster.settled()
        assert cluster.process.emitted[-1] == ("network_policies", {"policies": []})

    play(scenario)


def test_a_reset_brings_the_first_state_back() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job()
        cluster.create_service("grpc-service-1-1")
        cluster.store.delete("pods", STATIC_PODS[0], "panda")
        await cluster.settled()
        await cluster.controllers.reset()
        assert _names(cluster) == STATIC_PODS
        assert cluster.store.list("jobs") == []
        assert all(pod["spec"].get("nodeName") for pod in cluster.store.list("pods"))

    play(scenario)


def _focus_pod(cluster: Cluster) -> Any:
    return _pod(cluster, "panda-panda-focus-server")


def _value(cluster: Cluster, fault: str) -> Any:
    if fault == "storage-not-bound":
        return cluster.store.get("persistentvolumeclaims", "storage-san", "panda")["status"]["phase"]
    if fault == "focus-service-wrong-port":
        return cluster.store.get("services", "panda-panda-focus-server", "panda")["spec"]["ports"][0]["port"]
    if fault == "focus-server-restarted-often":
        return _focus_pod(cluster)["status"]["containerStatuses"][0]["restartCount"]
    node_or_pod = cluster.store.get("nodes", "worker-node-1") if fault == "node-not-ready" else _focus_pod(cluster)
    return next(each["status"] for each in node_or_pod["status"]["conditions"] if each["type"] == "Ready")


@pytest.mark.parametrize(
    ("fault", "healthy", "broken"),
    [
        ("storage-not-bound", "Bound", "Lost"),
        ("focus-service-wrong-port", 5000, 5001),
        ("focus-server-restarted-often", 0, 7),
        ("focus-pod-not-ready", "True", "False"),
        ("node-not-ready", "True", "False"),
    ],
)
def test_faults_that_show_in_static_objects(fault: str, healthy: Any, broken: Any) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.run(_focus_pod(cluster))
        await cluster.settled()
        assert _value(cluster, fault) == healthy
        cluster.set_faults(fault)
        await cluster.settled()
        assert _value(cluster, fault) == broken
        cluster.run(_focus_pod(cluster))
        await cluster.settled()
        assert _value(cluster, fault) == broken
        cluster.set_faults()
        await cluster.settled()
        assert _value(cluster, fault) == healthy

    play(scenario)


def test_only_a_server_that_was_replaced_restarts_while_it_starts() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.run(_focus_pod(cluster))
        cluster.set_faults("restarts-while-starting")
        await cluster.settled()
        assert _value(cluster, "focus-server-restarted-often") == 0
        first = _focus_pod(cluster)
        cluster.store.delete("pods", first["metadata"]["name"], "panda", grace_s=0)
        await cluster.settled()
        cluster.run(_focus_pod(cluster))
        await cluster.settled()
        assert _value(cluster, "focus-server-restarted-often") == 1
        cluster.set_faults()
        await cluster.settled()
        assert _value(cluster, "focus-server-restarted-often") == 0

    play(scenario)


@pytest.mark.parametrize("first", ["persistentvolumes", "persistentvolumeclaims"])
def test_a_claim_is_bound_to_the_volume_it_names(first: str) -> None:
    size, modes = {"storage": "1Gi"}, ["ReadWriteMany"]
    manifests = {
        "persistentvolumes": {"metadata": {"name": "disk"}, "spec": {"capacity": size, "accessModes": modes}},
        "persistentvolumeclaims": {"metadata": {"name": "mine"}, "spec": {"volumeName": "disk", "accessModes": modes}},
    }

    async def scenario(cluster: Cluster) -> None:
        for plural in (first, *(each for each in manifests if each != first)):
            cluster.store.create(plural, manifests[plural], "panda")
        cluster.store.create("persistentvolumeclaims", {"metadata": {"name": "other"}, "spec": {}}, "panda")
        await cluster.settled()
        claims = {
            each["metadata"]["name"]: each["status"] for each in cluster.store.list("persistentvolumeclaims", "panda")
        }
        assert claims["mine"] == {"phase": "Bound", "accessModes": modes, "capacity": size}
        assert claims["other"]["phase"] == "Pending"
        assert cluster.store.get("persistentvolumes", "disk")["status"] == {"phase": "Bound"}

    play(scenario)
