"""The life of a job: its labels, changes while it runs, and its end."""

from __future__ import annotations

from hamcrest import equal_to, greater_than_or_equal_to, has_item, has_key, is_not, starts_with

from support.waits import Stopwatch
from tools.conformance.cluster.manifests import end_pod, job, named
from tools.conformance.cluster.probing import JSON, MERGE_PATCH, STRATEGIC_PATCH, Cluster, Object, registry
from tools.conformance.facts import Value

TRACKING = "batch.kubernetes.io/job-tracking"


@registry.probe("running-job", row=1)
def running_job(cluster: Cluster) -> dict[str, Value]:
    """Label, annotate, patch and replace a job while its status has counts."""
    cluster.create("jobs", job("running"))
    cluster.pod_of("running")
    active = cluster.until(
        lambda: cluster.read("jobs", "running")["status"].get("active", 0), equal_to(1), "the job has an active pod"
    )
    path = cluster.path("jobs", "running")
    whole = cluster.read("jobs", "running")
    whole["metadata"]["labels"]["replaced"] = "yes"
    del whole["metadata"]["resourceVersion"]
    return {
        "active": active,
        "label": cluster.ask("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, STRATEGIC_PATCH).status,
        "annotate": cluster.ask("PATCH", path, {"metadata": {"annotations": {"a": "b"}}}, MERGE_PATCH).status,
        "patch": cluster.ask("PATCH", path, {"spec": {"activeDeadlineSeconds": 900}}, MERGE_PATCH).status,
        "replace": cluster.ask("PUT", path, whole, JSON).status,
    }


@registry.probe("job-pods", row=10)
def job_pods(cluster: Cluster) -> dict[str, Value]:
    """Record what the job controller writes on a job and on its pods."""
    created = cluster.create("jobs", job("marked"))
    metadata = cluster.pod_of("marked")["metadata"]
    annotations = created["metadata"].get("annotations", {})
    return {
        "labels": sorted(set(metadata["labels"]) - {"app"}),
        "finalizers": sorted(metadata.get("finalizers", [])),
        "job-annotations": sorted(annotations),
        "job-has-replacement-policy": "podReplacementPolicy" in created["spec"],
        "selector": sorted(created["spec"]["selector"]["matchLabels"]),
    }


def conditions(changes: list[tuple[float, str, Object]]) -> list[list[str]]:
    """Return the distinct sets of true conditions, with their reasons, that a job went through."""
    seen: list[list[str]] = []
    for _, _, obj in changes:
        told = [
            " ".join(filter(None, (each["type"], each.get("reason"))))
            for each in obj["status"].get("conditions", ())
            if each["status"] == "True"
        ]
        if told and told not in seen:
            seen.append(told)
    return seen


def _end(cluster: Cluster, name: str, phase: str) -> dict[str, Value]:
    last = "Complete" if phase == "Succeeded" else "Failed"
    with cluster.follow("jobs", labelSelector=f"app={name}") as following:
        cluster.create("jobs", job(name))
        end_pod(cluster, cluster.pod_of(name), phase)
        steps = cluster.until(
            lambda: [step for told in conditions(following.changes())[-1:] for step in told],
            has_item(starts_with(last)), f"the job {name} is {last}",
        )  # fmt: skip
        writes = len(conditions(following.changes()))
    status = cluster.read("jobs", name)["status"]
    counts = [f"{key} {status[key]}" for key in ("succeeded", "failed") if key in status]
    ended = "completionTime" in status
    return {"conditions": steps, "writes": writes, "counts": counts, "has-completion-time": ended}


@registry.probe("job-completes", row=9)
def job_completes(cluster: Cluster) -> dict[str, Value]:
    return _end(cluster, "completes", "Succeeded")


@registry.probe("job-fails", row=9)
def job_fails(cluster: Cluster) -> dict[str, Value]:
    return _end(cluster, "fails", "Failed")


@registry.probe("job-retries", row=11)
def job_retries(cluster: Cluster) -> dict[str, Value]:
    """Measure the time until a failed pod is replaced."""
    cluster.create("jobs", job("retries", backoffLimit=1))
    end_pod(cluster, cluster.pod_of("retries"), "Failed")
    since_failure = Stopwatch()
    cluster.until(lambda: len(cluster.pods_of("retries")), greater_than_or_equal_to(2), "the failed pod is replaced")
    return {"next-pod-after": cluster.about(since_failure.given_s())}


@registry.probe("job-deadline", row=11)
def job_deadline(cluster: Cluster) -> dict[str, Value]:
    """Let a job exceed its deadline, which ends it."""
    cluster.create("jobs", job("late", activeDeadlineSeconds=1))
    cluster.pod_of("late")

    def reasons() -> list[str]:
        told = cluster.read("jobs", "late")["status"].get("conditions", ())
        return [each["reason"] for each in told if each["type"] == "Failed"]

    last = cluster.until(reasons, is_not(equal_to([])), "the job has failed")
    return {"reason": last[0], "failed": cluster.read("jobs", "late")["status"].get("failed", 0)}


@registry.probe("job-orphans", row=13)
def job_orphans(cluster: Cluster) -> dict[str, Value]:
    """Delete a job and keep its pods."""
    cluster.create("jobs", job("orphans"))
    pod = cluster.pod_of("orphans")["metadata"]["name"]
    with cluster.follow("jobs", labelSelector="app=orphans") as following:
        answer = cluster.ask("DELETE", cluster.path("jobs", "orphans"), {"propagationPolicy": "Orphan"})
        told = cluster.until(
            lambda: [kind for _, kind, _ in following.changes(named("orphans"))], has_item("DELETED"), "the job is gone"
        )
    kept = cluster.until(
        lambda: cluster.read("pods", pod)["metadata"], is_not(has_key("finalizers")), "nothing holds its pod any more"
    )
    return {
        "status": answer.status,
        "answer-kind": str(answer.body.get("kind")),
        "job-is-told": list(dict.fromkeys(told)),
        "pod-has-owner": "ownerReferences" in kept,
        "pod-is-leaving": "deletionTimestamp" in kept,
    }


@registry.probe("job-cascade", row=13)
def job_cascade(cluster: Cluster) -> dict[str, Value]:
    """Delete a job as Focus Server does, together with its pod."""
    cluster.create("jobs", job("cascade"))
    pod = cluster.pod_of("cascade")["metadata"]["name"]
    options = {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
    answer = cluster.ask("DELETE", cluster.path("jobs", "cascade"), options)
    again = cluster.ask("DELETE", cluster.path("jobs", "cascade"), options)
    cluster.until(lambda: cluster.ask("GET", cluster.path("pods", pod)).status, equal_to(404), "its pod is gone")
    return {"status": answer.status, "answer-kind": str(answer.body.get("kind")), "once-more": again.status}
