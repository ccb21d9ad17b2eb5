from __future__ import annotations

import re

import pytest

from tests.sandbox.controllers.cluster import Cluster, play


def test_a_job_starts_one_labelled_pod_and_is_active() -> None:
    async def scenario(cluster: Cluster) -> None:
        created = cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        metadata, uid = pod["metadata"], created["metadata"]["uid"]
        assert re.fullmatch(r"grpc-job-1-1-[a-z0-9]{5}", metadata["name"])
        assert metadata["labels"] == {
            "app": "grpc-job-1-1", "job-name": "grpc-job-1-1", "batch.kubernetes.io/job-name": "grpc-job-1-1",
            "controller-uid": uid, "batch.kubernetes.io/controller-uid": uid,
        }  # fmt: skip
        assert [(owner["kind"], owner["uid"], owner["controller"]) for owner in metadata["ownerReferences"]] == [
            ("Job", uid, True)
        ]
        assert cluster.events("grpc-job-1-1")["SuccessfulCreate"] == f"Created pod: {metadata['name']}"
        cluster.run(pod)
        await cluster.until("ready", lambda: cluster.job()["status"].get("ready") == 1)
        status = cluster.job()["status"]
        assert status["active"] == 1
        assert "startTime" in status
        assert "conditions" not in status

    play(scenario)


def test_a_succeeded_pod_completes_the_job_and_its_ttl_removes_it() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(ttlSecondsAfterFinished=120)
        cluster.end(await cluster.placed("grpc-job-1-1"), "Succeeded")
        await cluster.until("complete", lambda: "Complete" in cluster.ends_of())
        status = cluster.job()["status"]
        assert cluster.ends_of()["Complete"] == "CompletionsReached"
        assert status["succeeded"] == 1
        assert "completionTime" in status
        assert not status.keys() & {"active", "failed"}
        assert cluster.events("grpc-job-1-1")["Completed"] == "Job completed"
        await cluster.until("gone", lambda: cluster.store.find("jobs", "grpc-job-1-1", "panda") is None)
        await cluster.until("its pod too", lambda: not cluster.pods("grpc-job-1-1"))

    play(scenario)


@pytest.mark.parametrize("how", ["failed", "deleted", "removed"])
def test_a_pod_that_fails_or_is_taken_away_fails_the_job(how: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        if how == "failed":
            cluster.end(pod, "Failed")
        elif how == "deleted":
            cluster.store.delete("pods", pod["metadata"]["name"], "panda")
            await cluster.until("decided", lambda: "FailureTarget" in cluster.ends_of())
            cluster.end(pod, "Failed")
        else:
            cluster.forget(pod)
        await cluster.until("failed", lambda: "Failed" in cluster.ends_of())
        assert cluster.ends_of()["Failed"] == "BackoffLimitExceeded"
        assert cluster.job()["status"]["failed"] == 1
        await cluster.settled()
        assert len(cluster.pods("grpc-job-1-1")) == (0 if how == "removed" else 1)
        assert cluster.events("grpc-job-1-1")["BackoffLimitExceeded"] == "Job has reached the specified backoff limit"

    play(scenario)


def test_a_job_with_a_backoff_limit_is_tried_again_that_often() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(backoffLimit=1)
        first = await cluster.placed("grpc-job-1-1")
        cluster.end(first, "Failed")
        await cluster.until("a second pod", lambda: len(cluster.pods("grpc-job-1-1")) == 2)
        second = next(pod for pod in cluster.pods("grpc-job-1-1") if pod["metadata"]["uid"] != first["metadata"]["uid"])
        assert cluster.ends_of() == {}
        cluster.end(second, "Failed")
        await cluster.until("failed", lambda: "Failed" in cluster.ends_of())
        assert cluster.job()["status"]["failed"] == 2

    play(scenario)


def test_the_deadline_ends_a_job_and_its_pod() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(activeDeadlineSeconds=60)
        pod = await cluster.placed("grpc-job-1-1")
        cluster.run(pod)
        await cluster.until("over", lambda: cluster.ends_of() == {"FailureTarget": "DeadlineExceeded"})
        assert "deletionTimestamp" in cluster.pods("grpc-job-1-1")[0]["metadata"]
        cluster.forget(pod)
        await cluster.until("failed", lambda: cluster.ends_of().get("Failed") == "DeadlineExceeded")
        assert cluster.job()["status"]["failed"] == 1

    play(scenario)


def test_a_suspended_job_has_no_pod_and_one_that_is_resumed_has() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(suspend=True)
        await cluster.until("suspended", lambda: cluster.ends_of() == {"Suspended": "JobSuspended"})
        assert cluster.pods("grpc-job-1-1") == []
        cluster.store.mutate("jobs", "grpc-job-1-1", "panda", lambda job: job["spec"].update(suspend=False))
        await cluster.placed("grpc-job-1-1")
        await cluster.until("resumed", lambda: cluster.ends_of() == {})

    play(scenario)


def test_deleting_a_job_in_the_background_asks_its_pod_to_go() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        cluster.store.delete("jobs", "grpc-job-1-1", "panda", propagation="Background")
        assert "deletionTimestamp" in cluster.store.get("pods", pod["metadata"]["name"], "panda")["metadata"]

    play(scenario)


@pytest.mark.parametrize(
    ("fault", "phase", "condition"),
    [("job-never-finishes", "Succeeded", "Complete"), ("failed-job-not-reported", "Failed", "Failed")],
)
def test_faults_that_hide_the_end(fault: str, phase: str, condition: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults(fault)
        cluster.create_job()
        cluster.end(await cluster.placed("grpc-job-1-1"), phase)
        await cluster.until("counted", lambda: cluster.job()["status"].get(phase.lower()) == 1)
        assert cluster.ends_of() == {}
        cluster.set_faults()
        await cluster.until("told", lambda: condition in cluster.ends_of())

    play(scenario)


def test_fault_job_not_active() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults("job-not-active")
        cluster.create_job()
        cluster.run(await cluster.placed("grpc-job-1-1"))
        await cluster.until("ready", lambda: cluster.job()["status"].get("ready") == 1)
        assert "active" not in cluster.job()["status"]
        cluster.set_faults()
        await cluster.until("active", lambda: cluster.job()["status"].get("active") == 1)

    play(scenario)


@pytest.mark.parametrize(("phase", "condition"), [("Succeeded", "Complete"), ("Failed", "Failed")])
def test_fault_ended_job_still_active(phase: str, condition: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.set_faults("ended-job-still-active")
        cluster.create_job()
        cluster.end(await cluster.placed("grpc-job-1-1"), phase)
        await cluster.until("ended", lambda: condition in cluster.ends_of())
        assert cluster.job()["status"]["active"] == 1
        cluster.set_faults()
        await cluster.until("not active", lambda: "active" not in cluster.job()["status"])

    play(scenario)


@pytest.mark.parametrize("before_the_job", [True, False])
def test_fault_cascade_broken(before_the_job: bool) -> None:
    async def scenario(cluster: Cluster) -> None:
        if before_the_job:
            cluster.set_faults("cascade-broken")
        cluster.create_job()
        pod = await cluster.placed("grpc-job-1-1")
        cluster.run(pod)
        cluster.set_faults("cascade-broken")
        cluster.store.delete("jobs", "grpc-job-1-1", "panda", propagation="Background")
        await cluster.settled()
        (left,) = cluster.pods("grpc-job-1-1")
        assert "deletionTimestamp" not in left["metadata"]
        cluster.set_faults()
        assert "deletionTimestamp" in cluster.pods("grpc-job-1-1")[0]["metadata"]

    play(scenario)


def test_a_kind_of_job_the_sandbox_does_not_run_is_refused() -> None:
    async def scenario(cluster: Cluster) -> None:
        with pytest.raises(Exception, match="spec.maxFailedIndexes: Forbidden: not known to the sandbox"):
            cluster.create_job(completionMode="Indexed", completions=2, maxFailedIndexes=1)

    play(scenario)


def indexes(cluster: Cluster) -> dict[int, dict]:
    """The job's pods that have not ended, by index."""
    pods = [pod for pod in cluster.pods("grpc-job-1-1") if pod["status"]["phase"] in ("Pending", "Running")]
    return {int(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]): pod for pod in pods}


INDEXED = {
    "completionMode": "Indexed",
    "completions": 3,
    "parallelism": 2,
    "backoffLimit": 6,
    "backoffLimitPerIndex": 0,
}


def test_each_pod_of_an_indexed_job_has_a_number_until_all_are_done() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(**INDEXED)
        await cluster.until("two run", lambda: set(indexes(cluster)) == {0, 1})
        pod = indexes(cluster)[1]
        assert re.fullmatch(r"grpc-job-1-1-1-[a-z0-9]{5}", pod["metadata"]["name"])
        assert pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] == "1"
        assert pod["spec"]["hostname"] == "grpc-job-1-1-1"
        (variable,) = pod["spec"]["containers"][0]["env"]
        path = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
        assert variable["name"] == "JOB_COMPLETION_INDEX" and variable["valueFrom"]["fieldRef"]["fieldPath"] == path
        cluster.end(pod, "Succeeded")
        await cluster.until("the next", lambda: set(indexes(cluster)) == {0, 2})
        assert cluster.job()["status"]["completedIndexes"] == "1"
        for index in (0, 2):
            cluster.end(indexes(cluster)[index], "Succeeded")
        await cluster.until("complete", lambda: "Complete" in cluster.ends_of())
        assert cluster.job()["status"]["completedIndexes"] == "0-2"
        assert cluster.job()["status"]["succeeded"] == 3

    play(scenario)


def test_an_index_that_fails_ends_no_other_and_fails_the_job_at_the_end() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.create_job(**INDEXED)
        await cluster.until("two run", lambda: set(indexes(cluster)) == {0, 1})
        cluster.end(indexes(cluster)[0], "Failed")
        await cluster.until("the next", lambda: set(indexes(cluster)) == {1, 2})
        assert cluster.job()["status"]["failedIndexes"] == "0" and cluster.ends_of() == {}
        for index in (1, 2):
            cluster.end(indexes(cluster)[index], "Succeeded")
        await cluster.until("failed", lambda: cluster.ends_of().get("Failed") == "FailedIndexes")
        status = cluster.job()["status"]
        assert (status["completedIndexes"], status["failedIndexes"], status["succeeded"]) == ("1-2", "0", 2)

    play(scenario)


def test_a_cron_job_is_kept_while_it_is_suspended() -> None:
    async def scenario(cluster: Cluster) -> None:
        def create(name: str, **spec: object) -> None:
            pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}
            job = {"spec": {"template": {"spec": pod}}}
            body = {"metadata": {"name": name}, "spec": {"schedule": "1 2 * * *", "jobTemplate": job, **spec}}
            cluster.store.create("cronjobs", body, "panda")

        create("nightly", suspend=True)
        with pytest.raises(Exception, match="the sandbox runs no controller for cronjobs; allowed is a suspended one"):
            create("awake")

    play(scenario)
