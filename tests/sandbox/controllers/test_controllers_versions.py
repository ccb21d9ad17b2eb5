"""Behaviour of the controllers that differs between the Kubernetes versions, and behaviour common to all of them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from environments.sandbox.kubernetes.store.object_store import ApiError, Change
from tests.sandbox.controllers.cluster import Cluster, Object, play

OLD, NEW, NEWEST = "1.25", "1.34", "1.35"
ALL = pytest.mark.parametrize("version", [OLD, NEW, NEWEST])
TRACKING = "batch.kubernetes.io/job-tracking"


def conditions(changes: asyncio.Queue[Change]) -> list[tuple[str, str]]:
    """The conditions of jobs in the order in which they became true, each with its reason."""
    seen: list[tuple[str, str]] = []
    while not changes.empty():
        for each in changes.get_nowait().object["status"].get("conditions", ()):
            entry = (each["type"], each.get("reason", ""))
            if each["status"] == "True" and entry not in seen:
                seen.append(entry)
    return seen


@pytest.mark.parametrize(
    ("version", "own"), [(OLD, {"controller-uid", "job-name"}), (NEW, {"controller-uid", "job-name"} | {
        "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
    })],
)  # fmt: skip
def test_labels_of_the_pods_of_a_job(version: str, own: set[str]) -> None:
    async def scenario(cluster: Cluster) -> None:
        created = cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        assert set(pod["metadata"]["labels"]) == own | {"app"}
        assert set(created["spec"]["selector"]["matchLabels"]) < own
        assert (TRACKING in created["metadata"].get("annotations", {})) == (version == OLD)
        assert ("podReplacementPolicy" in created["spec"]) == (version != OLD)
        cluster.run(pod)
        await cluster.until("ready", lambda: cluster.job()["status"].get("ready") == 1)
        assert ("terminating" in cluster.job()["status"]) == (version != OLD)

    play(scenario, kubernetes_version=version)


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (OLD, "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient "
         "nvidia.com/gpu.shared. preemption: 0/3 nodes are available: "),
        (NEW, "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient "
         "nvidia.com/gpu.shared. no new claims to deallocate, preemption: 0/3 nodes are available: "),
        (NEWEST, "1 node(s) had untolerated taint(s), 2 Insufficient nvidia.com/gpu.shared. "
         "no new claims to deallocate, preemption: 0/3 nodes are available: "),
    ],
)  # fmt: skip
def test_the_scheduler_says_why_in_the_words_of_its_version(version: str, text: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(gpu=9)
        await cluster.until("it says why", lambda: "FailedScheduling" in cluster.events("grpc-job-1-1-"))
        said = cluster.events("grpc-job-1-1-")["FailedScheduling"]
        victims = "1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
        assert said == f"0/3 nodes are available: {text}{victims}"

    play(scenario, kubernetes_version=version)


@pytest.mark.parametrize(
    ("version", "phase", "steps"),
    [
        (OLD, "Succeeded", [("Complete", "")]),
        (OLD, "Failed", [("Failed", "BackoffLimitExceeded")]),
        (NEW, "Succeeded", [("SuccessCriteriaMet", "CompletionsReached"), ("Complete", "CompletionsReached")]),
        (NEW, "Failed", [("FailureTarget", "BackoffLimitExceeded"), ("Failed", "BackoffLimitExceeded")]),
    ],
)
def test_a_job_ends_in_the_steps_of_its_version(version: str, phase: str, steps: list[tuple[str, str]]) -> None:
    async def scenario(cluster: Cluster) -> None:
        changes = cluster.store.subscribe("jobs")
        cluster.create_job()
        cluster.end(await cluster.placed("grpc-job-1-1"), phase)
        began_s = asyncio.get_running_loop().time()
        await cluster.until("ended", lambda: steps[-1][0] in cluster.ends_of())
        assert conditions(changes) == steps
        took_s = asyncio.get_running_loop().time() - began_s
        assert took_s >= (0.1 if len(steps) == 2 else 0.0)  # a second of the real system between the two
        assert ("completionTime" in cluster.job()["status"]) == (phase == "Succeeded")

    play(scenario, kubernetes_version=version, time_scale=0.1)


@ALL
def test_a_job_killed_by_its_deadline_has_one_failed_pod(version: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(activeDeadlineSeconds=60)
        pod = await cluster.placed("grpc-job-1-1")
        cluster.run(pod)
        await cluster.until("asked to go", lambda: "deletionTimestamp" in cluster.pods("grpc-job-1-1")[0]["metadata"])
        cluster.forget(pod)
        await cluster.until("failed", lambda: cluster.ends_of().get("Failed") == "DeadlineExceeded")
        assert cluster.job()["status"]["failed"] == 1

    play(scenario, kubernetes_version=version)


@pytest.mark.parametrize(("version", "waits_s"), [(OLD, [1, 1]), (NEW, [10, 20])])
def test_failed_pods_are_replaced_at_the_pace_of_the_version(version: str, waits_s: list[int]) -> None:
    scale = 0.05

    async def scenario(cluster: Cluster) -> None:
        began_s = []
        cluster.create_job(backoffLimit=2, gpu=0)
        for number in range(1, 4):
            await cluster.until("the next pod", lambda so_many=number: len(cluster.pods("grpc-job-1-1")) == so_many)
            began_s.append(asyncio.get_running_loop().time())
            for pod in cluster.pods("grpc-job-1-1"):
                if pod["status"].get("phase") != "Failed":
                    cluster.end(pod, "Failed")
        for wait_s, (earlier_s, later_s) in zip(waits_s, pairwise(began_s), strict=True):
            assert wait_s * scale <= later_s - earlier_s < (wait_s + 8) * scale  # 10 s would be too much for 1

    play(scenario, kubernetes_version=version, time_scale=scale)


@pytest.mark.parametrize(("version", "waits_s"), [(OLD, [10, 20, 40]), (NEW, [1, 2, 4])])
def test_a_pod_that_a_quota_refuses_is_tried_again_ever_less_often(version: str, waits_s: list[int]) -> None:
    scale = 0.01 if version == OLD else 0.1

    async def scenario(cluster: Cluster) -> None:
        tried_s: list[float] = []

        def note(verb: str, plural: str, new: Object, old: Object | None) -> None:
            if (verb, plural) == ("create", "pods"):
                tried_s.append(asyncio.get_running_loop().time())

        cluster.store.admission.insert(0, note)
        full = {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "1"}}}
        cluster.store.create("resourcequotas", full, "panda")
        cluster.create_job()
        await asyncio.sleep((sum(waits_s) + waits_s[-1]) * scale)
        cluster.store.delete("resourcequotas", "full", "panda")
        await cluster.placed("grpc-job-1-1")
        for wait_s, (earlier_s, later_s) in zip(waits_s, pairwise(tried_s), strict=False):
            # The earlier try may itself have been late, and the next one counts from when it was due.
            assert wait_s * 0.8 * scale <= later_s - earlier_s < (wait_s * 1.9 * scale + 0.05)
        assert len(tried_s) == 5
        assert "exceeded quota: full" in cluster.events("grpc-job-1-1")["FailedCreate"]

    play(scenario, kubernetes_version=version, time_scale=scale)


@ALL
def test_pods_of_jobs_are_held_until_they_are_counted(version: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        assert pod["metadata"]["finalizers"] == [TRACKING]
        cluster.run(pod)
        await cluster.settled()
        assert cluster.pods("grpc-job-1-1")[0]["metadata"]["finalizers"] == [TRACKING]
        cluster.end(pod, "Succeeded")
        await cluster.until("let go", lambda: "finalizers" not in cluster.pods("grpc-job-1-1")[0]["metadata"])
        assert cluster.job()["status"]["succeeded"] == 1

    play(scenario, kubernetes_version=version)


@pytest.mark.parametrize("policy", ["Background", "Orphan", "Foreground"])
def test_nothing_holds_the_pods_of_a_job_that_is_gone(policy: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        cluster.run(pod)
        cluster.store.delete("jobs", "grpc-job-1-1", "panda", propagation=policy)
        if policy == "Orphan":
            await cluster.until("let go", lambda: "finalizers" not in cluster.pods("grpc-job-1-1")[0]["metadata"])
            assert "deletionTimestamp" not in cluster.pods("grpc-job-1-1")[0]["metadata"]
            assert "ownerReferences" not in cluster.pods("grpc-job-1-1")[0]["metadata"]
        cluster.forget(pod)
        await cluster.until("gone", lambda: not cluster.pods("grpc-job-1-1"))
        assert cluster.store.find("jobs", "grpc-job-1-1", "panda") is None

    play(scenario)


def test_a_job_that_orphans_its_pods_waits_for_that() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job()
        await cluster.placed("grpc-job-1-1")
        changes = cluster.store.subscribe("jobs")
        answered = cluster.store.delete("jobs", "grpc-job-1-1", "panda", propagation="Orphan")
        assert answered["metadata"]["finalizers"] == ["orphan"]
        assert "deletionTimestamp" in answered["metadata"]
        assert [changes.get_nowait().type for _ in range(changes.qsize())] == ["MODIFIED", "MODIFIED", "DELETED"]

    play(scenario)


@pytest.mark.parametrize(("version", "lowest"), [(OLD, 12301), (NEW, 12317)])
def test_node_ports_are_chosen_at_random_from_the_band_of_the_version(version: str, lowest: int) -> None:
    async def scenario(cluster: Cluster) -> None:
        ports = [cluster.create_service(f"s{number}")["spec"]["ports"][0]["nodePort"] for number in range(200)]
        assert len(set(ports)) == 200
        assert lowest <= min(ports) < max(ports) <= 12700
        assert ports != sorted(ports)
        assert ports != sorted(ports, reverse=True)
        assert (min(ports) < 12317) == (version == OLD)

    play(scenario, kubernetes_version=version, nodeport_last=12700)


def test_the_lower_band_is_used_when_the_upper_is_full() -> None:
    async def scenario(cluster: Cluster) -> None:
        ports = [cluster.create_service(f"s{number}")["spec"]["ports"][0]["nodePort"] for number in range(20)]
        assert min(ports[:4]) >= 12317
        assert sorted(ports) == list(range(12301, 12321))
        with pytest.raises(ApiError, match="range is full"):
            cluster.create_service("one-more")

    play(scenario, nodeport_last=12320)


def test_a_node_says_everything_a_client_asks_of_it() -> None:
    async def scenario(cluster: Cluster) -> None:
        infos = [node["status"]["nodeInfo"] for node in cluster.store.list("nodes")]
        for field in ("bootID", "machineID", "systemUUID"):
            assert len({info[field] for info in infos}) == 3
        assert {info["kubeletVersion"] for info in infos} == {"v1.25.12+k3s1"}

    play(scenario, kubernetes_version=OLD)


def test_the_scheduler_writes_events_of_the_newer_form_and_others_of_the_older() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job()
        await cluster.placed("grpc-job-1-1")
        by_reason: dict[str, Any] = {
            event["reason"]: event
            for event in cluster.store.list("events", "panda")
            if event["involvedObject"]["name"].startswith("grpc-job-1-1")
        }
        newer, older = by_reason["Scheduled"], by_reason["SuccessfulCreate"]
        assert newer["eventTime"].endswith("Z") and "." in newer["eventTime"]
        assert (newer["firstTimestamp"], newer["lastTimestamp"], newer["source"]) == (None, None, {})
        assert "count" not in newer
        assert (newer["action"], newer["reportingComponent"]) == ("Binding", "default-scheduler")
        assert (older["eventTime"], older["count"], older["source"]) == (None, 1, {"component": "job-controller"})

    play(scenario)


def test_many_events_that_differ_in_their_text_only_are_one() -> None:
    async def scenario(cluster: Cluster) -> None:
        created = cluster.create_job(suspend=True)
        for number in range(30):
            cluster.controllers._runner.recorder.warning("c", "jobs", created, "FailedCreate", f"pod {number}")
        messages = {
            event["message"]: event["count"]
            for event in cluster.store.list("events", "panda")
            if event["reason"] == "FailedCreate"
        }
        assert len(messages) == 11
        assert messages["(combined from similar events): pod 29"] == 20

    play(scenario)


def test_controllers_keep_the_pace_they_are_given() -> None:
    async def scenario(cluster: Cluster) -> None:
        before, loop = cluster.store.count("pods"), asyncio.get_running_loop()
        began_s = loop.time()
        for number in range(8):
            cluster.create_job(f"grpc-job-{number}-1", gpu=0)
        await cluster.until("all", lambda: cluster.store.count("pods") == before + 8)
        assert loop.time() - began_s >= (8 * 3 - 6) / 60
        for number in range(8):
            cluster.run(await cluster.placed(f"grpc-job-{number}-1"))
        began_s = loop.time()
        for number in range(8):
            cluster.store.delete("jobs", f"grpc-job-{number}-1", "panda", propagation="Background")

        def leaving() -> int:
            return sum("deletionTimestamp" in pod["metadata"] for pod in cluster.store.list("pods"))

        await cluster.until("all asked to go", lambda: leaving() == 8)
        assert loop.time() - began_s >= (8 * 2 - 6) / 60

    play(scenario, controller_qps=0.06, controller_burst=6)
