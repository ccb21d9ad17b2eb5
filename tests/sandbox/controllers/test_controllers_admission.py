from __future__ import annotations

import pytest

from environments.sandbox.kubernetes.store.object_store import ApiError
from tests.sandbox.controllers.cluster import Cluster, play


def _quota(cluster: Cluster, **hard: str) -> None:
    items = {key.replace("__", "/").replace("_", "."): value for key, value in hard.items()}
    cluster.store.create("resourcequotas", {"metadata": {"name": "limit"}, "spec": {"hard": items}}, "panda")


def test_a_taken_node_port_is_refused() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_service("first", nodePort=12301)
        with pytest.raises(ApiError) as refusal:
            cluster.create_service("x", nodePort=12301)
        assert (refusal.value.code, refusal.value.reason) == (422, "Invalid")
        assert refusal.value.message == (
            'Service "x" is invalid: spec.ports[0].nodePort: Invalid value: 12301: provided port is already allocated'
        )
        cluster.store.delete("services", "first", "panda")
        cluster.create_service("x", nodePort=12301)

    play(scenario)


def test_a_node_port_out_of_range_is_refused() -> None:
    async def scenario(cluster: Cluster) -> None:
        with pytest.raises(ApiError) as refusal:
            cluster.create_service("x", nodePort=12311)
        assert refusal.value.message == (
            'Service "x" is invalid: spec.ports[0].nodePort: Invalid value: 12311: '
            "provided port is not in the valid range. The range of valid ports is 12301-12310"
        )

    play(scenario)


def test_ports_are_chosen_until_the_range_is_full() -> None:
    async def scenario(cluster: Cluster) -> None:
        services = [cluster.create_service(f"s{number}") for number in range(10)]
        assert {each["spec"]["ports"][0]["nodePort"] for each in services} == set(range(12301, 12311))
        assert len({each["spec"]["clusterIP"] for each in services}) == 10
        with pytest.raises(ApiError) as refusal:
            cluster.create_service("one-more")
        assert (refusal.value.code, refusal.value.reason) == (500, "InternalError")
        assert refusal.value.message.endswith("failed to allocate a nodePort: range is full")

    play(scenario)


def test_a_service_keeps_its_port_when_it_is_changed() -> None:
    async def scenario(cluster: Cluster) -> None:
        created = cluster.create_service("x")
        changed = cluster.store.mutate("services", "x", "panda", lambda new: new["spec"]["ports"][0].pop("nodePort"))
        assert changed is not None
        assert changed["spec"]["ports"] == created["spec"]["ports"]

    play(scenario)


def test_a_quota_on_jobs_refuses_the_job() -> None:
    async def scenario(cluster: Cluster) -> None:
        _quota(cluster, **{"count/jobs.batch": "1"})
        cluster.create_job()
        with pytest.raises(ApiError) as refusal:
            cluster.create_job("grpc-job-2-2")
        assert (refusal.value.code, refusal.value.reason) == (403, "Forbidden")
        assert refusal.value.message == (
            'jobs.batch "grpc-job-2-2" is forbidden: exceeded quota: limit, '
            "requested: count/jobs.batch=1, used: count/jobs.batch=1, limited: count/jobs.batch=1"
        )

    play(scenario)


def test_a_quota_on_node_ports_refuses_the_service() -> None:
    async def scenario(cluster: Cluster) -> None:
        _quota(cluster, services_nodeports="1")
        cluster.create_service("first")
        with pytest.raises(ApiError, match="exceeded quota: limit, requested: services.nodeports=1"):
            cluster.create_service("x")

    play(scenario)


def test_a_job_whose_pod_exceeds_a_quota_says_so_and_starts_when_there_is_room() -> None:
    async def scenario(cluster: Cluster) -> None:
        _quota(cluster, pods="4")
        cluster.create_job()
        await cluster.until("told", lambda: "FailedCreate" in cluster.events("grpc-job-1-1"))
        text = cluster.events("grpc-job-1-1")["FailedCreate"]
        assert text.startswith('Error creating: pods "grpc-job-1-1-')
        assert "is forbidden: exceeded quota: limit, requested: pods=1, used: pods=4, limited: pods=4" in text
        assert cluster.pods("grpc-job-1-1") == []
        cluster.store.mutate("resourcequotas", "limit", "panda", lambda new: new["spec"]["hard"].update(pods="9"))
        await cluster.placed("grpc-job-1-1")
        await cluster.settled()
        assert cluster.store.get("resourcequotas", "limit", "panda")["status"]["used"] == {"pods": "5"}

    play(scenario)


@pytest.mark.parametrize(("item", "hard"), [("unknown", "1"), ("requests.cpu", "10"), ("pods", "1k")])
def test_a_quota_the_sandbox_cannot_count_is_refused(item: str, hard: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        with pytest.raises(ApiError, match=f"{item}={hard}.*the sandbox counts objects and node ports only"):
            _quota(cluster, **{item: hard})

    play(scenario)


def test_a_kind_without_a_controller_is_refused() -> None:
    async def scenario(cluster: Cluster) -> None:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        with pytest.raises(ApiError, match="runs no controller for daemonsets"):
            cluster.store.create("daemonsets", {"metadata": {"name": "d"}, "spec": {"template": template}}, "panda")

    play(scenario)
