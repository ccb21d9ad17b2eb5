"""The matchers on jobs: accepted jobs, rejected jobs, and the wording of mismatches."""

from __future__ import annotations

import pytest
from hamcrest.core.matcher import Matcher
from hamcrest.core.string_description import StringDescription

from support.checks import jobs, ports, resources
from support.clients.kubernetes.client import Snapshot
from tests.support.domain.builders import job, node, pod, service, view

UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 2 Insufficient nvidia.com/gpu.shared.",
}
ONE_SLICE = {"requests": {"nvidia.com/gpu.shared": "1"}, "limits": {"nvidia.com/gpu.shared": "1"}}


def trouble(matcher: Matcher, item: object) -> str | None:
    """The words of the mismatch, or None if ``item`` matches."""
    if matcher.matches(item):
        return None
    text = StringDescription()
    matcher.describe_mismatch(item, text)
    return str(text)


def test_job_with_a_running_pod_is_running() -> None:
    assert trouble(jobs.is_running(), view(pod())) is None


def test_short_job_that_was_seen_running_counts_as_running() -> None:
    assert trouble(jobs.is_running(), view(phases=frozenset({"Running"}), pod_names=("a",))) is None


def test_pending_job_says_what_it_waits_for() -> None:
    pending = pod("Pending", conditions=[UNSCHEDULABLE])
    assert trouble(jobs.is_running(), view(pending)) == (
        "job 3-17 is Pending: 0/3 nodes are available: 2 Insufficient nvidia.com/gpu.shared."
    )


def test_two_pods_are_not_one_running_job() -> None:
    text = trouble(jobs.is_running(), view(pod(), pod(name="grpc-job-3-17-fghij")))
    assert text is not None and "2 pods" in text


def test_missing_job_is_named_as_such() -> None:
    assert trouble(jobs.is_running(), view(job=None)) == "job 3-17 has neither a job object nor a pod in the cluster"


def test_waiting_for_a_resource_needs_the_reason_of_the_scheduler() -> None:
    assert trouble(jobs.waits_for("nvidia.com/gpu.shared"), view(pod("Pending", conditions=[UNSCHEDULABLE]))) is None
    assert trouble(jobs.waits_for("nvidia.com/gpu.shared"), view(pod("Pending"))) == "job 3-17 is Pending"
    assert trouble(jobs.waits_for("cpu"), view(pod("Pending", conditions=[UNSCHEDULABLE]))) is not None


def test_a_job_that_has_failed_is_told_so_also_when_it_is_gone_already() -> None:
    assert trouble(jobs.is_reported_active(), view()) is None
    told = "job 3-17 is reported Failed"
    assert trouble(jobs.is_reported_active(), view(outcome="Failed", reason="BackoffLimitExceeded")) == told
    assert trouble(jobs.is_reported_active(), view(job=None, pods=(), outcome="Failed")) == told
    assert trouble(jobs.is_reported_active(), view(job=None, pods=())) == "job 3-17 has no job object"


def test_failure_needs_a_reason_and_completion_does_not() -> None:
    assert trouble(jobs.has_ended("Complete"), view(outcome="Complete", ended=job(succeeded=1))) is None
    failed = view(outcome="Failed", reason="BackoffLimitExceeded", ended=job(failed=1))
    assert trouble(jobs.has_ended("Failed"), failed) is None
    assert trouble(jobs.has_ended("Failed"), view(outcome="Failed")) == "job 3-17 is Failed without a reason"
    assert trouble(jobs.has_ended("Failed"), view(outcome="Complete")) is not None


@pytest.mark.parametrize(
    ("outcome", "counts", "told"),
    [
        ("Complete", {"active": 1, "succeeded": 1}, "1 active, 1 succeeded, 0 failed"),
        ("Complete", {}, "0 active, 0 succeeded, 0 failed"),
        ("Failed", {"succeeded": 1}, "0 active, 1 succeeded, 0 failed"),
        ("Failed", {"failed": 2}, "0 active, 0 succeeded, 2 failed"),
    ],
)
def test_the_end_of_a_job_and_its_counts_fit_together(outcome: str, counts: dict[str, int], told: str) -> None:
    ended = view(outcome=outcome, reason="why", ended=job(**counts))
    assert trouble(jobs.has_ended(outcome), ended) == f"job 3-17 is {outcome} and counts {told} pods"


def test_an_active_job_counts_its_one_pod() -> None:
    for counts, told in (({"active": 2}, "2 active, 0"), ({"active": 1, "failed": 1}, "1 active, 0 succeeded, 1")):
        text = trouble(jobs.is_reported_active(), view(job=job(**counts)))
        assert text is not None and text.startswith(f"job 3-17 is Active and counts {told}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pod_names": ("a", "b")}, "was started again: a, b"),
        ({"restarts": 2}, "was restarted 2 times"),
        ({"job": job(backoff_limit=3)}, "would be retried 3 times"),
    ],
)
def test_job_that_is_or_would_be_started_again(changes: dict, words: str) -> None:
    text = trouble(jobs.was_not_started_again(), view(pod(), **changes))
    assert text is not None and words in text


def test_traces_are_named() -> None:
    assert trouble(jobs.every_trace_gone(), view(traces=())) is None
    assert trouble(jobs.every_trace_gone(), view(traces=("service x",))) == "job 3-17 still has service x"


def test_window_in_the_command_is_compared_exactly() -> None:
    start, end = jobs.times_in_words({"start_time": 1764946703, "end_time": 1764953903})
    assert (start, end) == ("2025-12-05:14:58:23", "2025-12-05:16:58:23")
    right = job(command=["python", "--time-start", start, "--time-end", end])
    assert trouble(jobs.was_started_for(start, end), view(job=right)) is None
    assert trouble(jobs.was_started_for(start, end), view(job=job())) == "job 3-17 was started with no window at all"
    assert trouble(jobs.was_started_without_window(), view(job=right)) is not None


def test_gpu_slice_is_asked_for_once() -> None:
    assert trouble(resources.asks_for_one_gpu_slice(), pod(resources=ONE_SLICE)) is None
    text = trouble(resources.asks_for_one_gpu_slice(), pod())
    assert text is not None and "requests none" in text


def test_node_grants_no_more_slices_than_it_offers() -> None:
    held = [pod(node="worker-node-1", resources=ONE_SLICE)]
    assert trouble(resources.holds_what_its_node_offers([node()], held), held[0]) is None
    assert trouble(resources.holds_what_its_node_offers([node()], held * 3), held[0]) is not None
    assert trouble(resources.holds_what_its_node_offers([node(gpu_slices=0)], held), held[0]) is not None
    assert trouble(resources.holds_what_its_node_offers([], held), held[0]) == f"pod {held[0].name} is on no node"


def test_memory_and_storage_name_what_is_missing() -> None:
    text = trouble(resources.memory_is_requested_and_limited(), pod(resources={"requests": {"memory": "512Mi"}}))
    assert text is not None and "is not limited" in text
    text = trouble(resources.has_storage_mounted_and_bound([]), pod())
    assert text is not None and "does not mount /prisma/root/recordings" in text


def test_storage_claim_must_be_bound() -> None:
    mounted = pod(
        mounts=[{"name": "storage", "mountPath": "/prisma/root/recordings"}],
        volumes=[{"name": "storage", "persistentVolumeClaim": {"claimName": "storage-san"}}],
    )
    text = trouble(resources.has_storage_mounted_and_bound([]), mounted)
    assert text is not None and "storage-san" in text and "is not bound" in text


def test_service_leads_to_its_own_pod_only() -> None:
    own, other = pod(), pod(name="grpc-job-4-18-abcde", labels={"app": "grpc-job-4-18"})
    seen = view(own)
    assert trouble(ports.leads_only_to(seen, [own, other]), service()) is None
    assert trouble(ports.leads_only_to(seen, [own, other]), service(selector={"app": "grpc-job-4-18"})) is not None
    assert trouble(ports.leads_only_to(seen, [own, other]), service(selector={})) == (
        "service grpc-service-3-17 selects nothing"
    )
    assert trouble(ports.leads_only_to(seen, [own]), service(target=5001)) is not None
    assert trouble(ports.leads_only_to(seen, [own]), None) == "job 3-17 has no service"


def test_published_port_is_the_one_in_the_answer() -> None:
    assert trouble(ports.publishes(12303), service()) is None
    assert trouble(ports.publishes(12304), service()) is not None
    assert trouble(ports.publishes(12303), service(type="ClusterIP")) is not None


def test_label_finds_job_pod_and_service() -> None:
    found = Snapshot((job(),), (pod(),), (service(),), None, 0.0)  # type: ignore[arg-type]  # the time is not looked at
    assert trouble(jobs.are_job_pod_and_service("3-17"), found) is None
    nothing = Snapshot((), (), (), None, 0.0)  # type: ignore[arg-type]  # the time is not looked at
    assert trouble(jobs.are_job_pod_and_service("3-17"), nothing) == "the label job_id=3-17 finds nothing and 0 pods"
