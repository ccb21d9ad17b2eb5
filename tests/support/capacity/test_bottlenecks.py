"""Ranking and counting of bottlenecks, and the treatment of unknown causes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.capacity.diagnosis import Confidence, diagnose
from support.capacity.diagnosis.texts import cause_of, unschedulable_reasons
from support.capacity.load.results import ClusterEvidence, SelfCheck
from tests.support.capacity.canned import (
    event,
    evidence,
    job,
    node,
    paced,
    pod,
    record,
    refused,
    server_pod,
    service,
    unschedulable,
    waiting,
)

GPU_TEXT = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.shared."
KINDS = {
    "ok": record,
    "gpu": lambda number: refused(number, "Insufficient nvidia.com/gpu.shared"),
    "quota": lambda number: refused(number, "exceeded quota: q"),
    "odd": lambda number: refused(number, f"something {number} nobody knows", 500),
    "silent": lambda number: refused(number, "", None),
    "no job": lambda number: record(number, "answered"),
    "shared": lambda number: record(number, port=12000),
    "slow": lambda number: record(number, at=4.0),
}


def by_cause(diagnosis):
    return {finding.cause.id: len(finding.jobs) for finding in diagnosis.findings}


@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=40), st.booleans())
def test_every_failed_job_is_counted_exactly_once(kinds, trusted):
    records = [KINDS[kind](number) for number, kind in enumerate(kinds, 1)]
    check = SelfCheck(1, 50, 1, 2, 1, 1, trusted)
    diagnosis = diagnose(records, ClusterEvidence(), check, slow_above_ms=300)
    failed = [number for finding in diagnosis.findings for number in finding.jobs] + list(diagnosis.unattributed)
    slow = [number for finding in diagnosis.findings for number in finding.slow_jobs]
    slow += diagnosis.unattributed_slow
    assert len(failed) == len(set(failed)) == diagnosis.failed
    assert len(slow) == len(set(slow)) == diagnosis.slow
    assert not set(failed) & set(slow)
    shared = kinds.count("shared") if kinds.count("shared") > 1 else 0
    assert diagnosis.failed == shared + sum(kinds.count(kind) for kind in ("gpu", "quota", "odd", "silent", "no job"))


def test_causes_come_by_the_number_of_jobs_they_explain():
    records = [
        *(refused(number, "exceeded quota: q") for number in range(1, 4)),
        *(refused(number, "Insufficient cpu") for number in range(4, 12)),
        *(record(number, at=5.0) for number in range(12, 50)),
    ]
    diagnosis = diagnose(records, ClusterEvidence(), SelfCheck(1, 50, 1, 99, 1, 1, False), slow_above_ms=300)
    assert [finding.cause.id for finding in diagnosis.findings] == ["node-cpu", "quota", "generator"]
    assert len(diagnosis.findings[2].slow_jobs) == 38


def test_what_nobody_says_is_unknown_and_its_text_is_kept():
    diagnosis = diagnose([refused(1, "the dog ate it", 500), refused(2, "", 503)], ClusterEvidence())
    assert (diagnosis.findings, diagnosis.unattributed) == ((), (1, 2))
    assert "answer 500: the dog ate it" in diagnosis.unmatched


def test_unknown_texts_of_the_cluster_are_kept():
    seen = evidence(
        jobs=[job("1-1601")],
        pods=[unschedulable("1-1601", "0/1 nodes are available: 1 node(s) had a bad day.")],
        events=[event("Pod", "grpc-job-1-1601-abcde", "Odd", "never seen before")],
    )
    diagnosis = diagnose([record(1, "job_seen")], seen)
    assert {"event Odd: never seen before", "pod condition: 0/1 nodes are available: 1 node(s) had a bad day."} <= set(
        diagnosis.unmatched
    )


def test_direct_evidence_beats_timing_and_what_happened_as_well():
    """With a slow control plane, a 429 in the log and a full cluster, the evidence of the pod itself decides."""
    records = paced(range(1, 31), 5.0)
    records += [record(n, "job_seen") for n in range(31, 201)]
    ids = [f"{number}-{1600 + number}" for number in range(31, 201)]
    log = "the server has received too many requests"
    pods = [unschedulable(job_id, GPU_TEXT) for job_id in ids]
    full = evidence(jobs=[job(job_id) for job_id in ids], pods=pods, server_log=log)
    found = diagnose(records, full, limit_s=6.0)
    assert by_cause(found) == {"gpu-slices": 170}
    assert found.findings[0].confidence is Confidence.HIGH
    alone = diagnose(records, evidence(jobs=[job(job_id) for job_id in ids], server_log=log), limit_s=6.0)
    assert by_cause(alone) == {"controller-pace": 170}
    assert alone.findings[0].confidence is Confidence.MEDIUM


def test_the_answer_beats_what_the_clusters_objects_say():
    seen = evidence(all_pods=[server_pod(1)])
    diagnosis = diagnose([refused(1, "exceeded quota: q")], seen, before=evidence(all_pods=[server_pod(0)]))
    assert by_cause(diagnosis) == {"quota": 1}


def test_a_condition_beats_an_event():
    seen = evidence(
        pods=[unschedulable("1-1601", GPU_TEXT)],
        events=[event("Pod", "grpc-job-1-1601-abcde", "FailedScheduling", "0/1 nodes are available: 1 Too many pods.")],
    )
    assert by_cause(diagnose([record(1, "job_seen")], seen)) == {"gpu-slices": 1}


def test_an_old_event_of_a_pod_that_runs_is_no_cause():
    seen = evidence(
        pods=[pod("1-1601", "worker-1", "Running")],
        events=[event("Pod", "grpc-job-1-1601-abcde", "FailedScheduling", GPU_TEXT)],
    )
    assert by_cause(diagnose([record(1, "running")], seen)) == {"port-closed": 1}


def test_one_jobs_evidence_is_not_anothers():
    """Evidence about 1-16 must not explain 1-160."""
    other = record(1, "job_seen")
    seen = evidence(pods=[unschedulable("1-16011", GPU_TEXT)], jobs=[job("1-1601")])
    assert by_cause(diagnose([other], seen)) == {"never-running": 1}


def test_a_mixed_shortage_adds_up():
    records = [record(number) for number in range(1, 101)]
    records += [record(number, "job_seen") for number in range(101, 121)]
    records += [record(number, "scheduled") for number in range(121, 131)]
    records += [refused(number, "failed to allocate a nodePort: range is full", 500) for number in range(131, 151)]
    records += [refused(number, "Gremlins", 500) for number in range(151, 155)]
    seen = evidence(
        pods=[
            *(unschedulable(f"{number}-{1600 + number}", GPU_TEXT) for number in range(101, 121)),
            *(waiting(f"{number}-{1600 + number}", "ImagePullBackOff") for number in range(121, 131)),
        ],
        services=[service(f"{number}-5", 12000 + number) for number in range(300, 305)],
        nodes=[node()],
    )
    diagnosis = diagnose(records, seen)
    assert by_cause(diagnosis) == {"gpu-slices": 20, "node-ports": 15, "image-pull": 10, "leaked-ports": 5}
    assert diagnosis.unattributed == (151, 152, 153, 154)
    assert diagnosis.failed == 54


def test_a_lost_node_is_the_cause_of_as_many_jobs_as_it_had_room_for():
    records = [record(number, "job_seen") for number in range(1, 101)]
    pods = [unschedulable(f"{number}-{1600 + number}", GPU_TEXT) for number in range(1, 101)]
    seen = evidence(pods=pods, nodes=[node(), node("worker-2", gpu="60", ready="Unknown")])
    assert by_cause(diagnose(records, seen)) == {"node-not-ready": 60, "gpu-slices": 40}


def test_services_of_the_load_itself_are_no_leak():
    records = [record(1), refused(2, "no free stream port: all 1 ports 12301-12301 are in use")]
    assert by_cause(diagnose(records, evidence(services=[service("1-1601", 12301)]))) == {"node-ports": 1}


def test_evidence_is_short_however_many_jobs_failed():
    records = [record(number, "job_seen") for number in range(1, 201)]
    pods = [unschedulable(f"{number}-{1600 + number}", GPU_TEXT) for number in range(1, 201)]
    rows = diagnose(records, evidence(pods=pods)).findings[0].evidence
    assert 1 <= len(rows) <= 12
    assert rows[0].first_seen == "2026-11-21T10:00:00Z"


def test_a_few_slow_answers_are_no_pattern():
    records = [record(number, at=0.1) for number in range(1, 199)] + [record(number, at=9.0) for number in (199, 200)]
    diagnosis = diagnose(records, ClusterEvidence(), slow_above_ms=300)
    assert diagnosis.findings == ()
    assert diagnosis.unattributed_slow == (199, 200)


def test_the_knee_of_few_workers_is_told():
    records = [record(number, at=0.15 * (1 + (number - 1) // 24)) for number in range(1, 201)]
    finding = diagnose(records, ClusterEvidence(), slow_above_ms=300).findings[0]
    told = {row.field: row.value for row in finding.evidence}
    assert told["knee (X_max * R_min)"] == pytest.approx(24, abs=2.5)
    assert told["Little's law ratio"] == pytest.approx(1, abs=0.01)
    assert told["peak in flight"] == 200


@pytest.mark.parametrize(
    ("message", "reasons", "cause"),
    [
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
            "2 Insufficient nvidia.com/gpu.shared. preemption: 0/3 nodes are available: 3 Insufficient cpu.",
            2,
            "gpu-slices",
        ),
        (
            "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No victims.",
            1,
            "node-cpu",
        ),
        ("0/4 nodes are available: 1 Insufficient memory, 3 Too many pods.", 2, "pods-per-node"),
        ("0/2 nodes are available: 2 Too many pods, 2 Insufficient cpu.", 2, "pods-per-node"),
        ("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", 1, "placement"),
        ("no nodes available to schedule pods", 0, None),
    ],
)
def test_the_schedulers_text(message, reasons, cause):
    assert len(unschedulable_reasons(message)) == reasons
    assert cause_of(message) == cause


@pytest.mark.parametrize("late", [record(1, "running"), record(1, alive=False)])
def test_what_only_a_weak_generator_has_missed_is_not_the_systems_failure(late):
    seen = evidence(pods=[pod("1-1601", "worker-1", "Running")])
    weak = SelfCheck(200, 50, 20, 150, 200, 300, False, "adds 150 ms")
    assert by_cause(diagnose([late], seen, weak)) == {"generator": 1}
    trusted = diagnose([late], seen, SelfCheck(200, 50, 1, 4, 200, 200, True))
    assert "generator" not in by_cause(trusted)


def test_a_weak_generator_is_no_excuse_for_what_the_cluster_says():
    weak = SelfCheck(200, 50, 20, 150, 200, 300, False, "adds 150 ms")
    seen = evidence(pods=[unschedulable("1-1601", GPU_TEXT)])
    assert by_cause(diagnose([record(1, "job_seen")], seen, weak)) == {"gpu-slices": 1}


def test_a_finding_is_as_certain_as_most_of_its_jobs():
    text = "WaitQueueTimeoutError: no connection"
    records = [*(refused(number, text) for number in (1, 2)), refused(3, "MongoDB is not reachable")]
    diagnosis = diagnose(records, ClusterEvidence(server_log=f"ERROR {text}"))
    assert by_cause(diagnosis) == {"mongo-pool": 3}
    assert diagnosis.findings[0].confidence is Confidence.HIGH


def test_who_was_placed_too_late_failed_for_the_pace_as_well():
    """The pods of two jobs were placed near the end: their ports were still closed when the time was over."""
    records = paced(range(1, 29), 5.0)
    early = {"answered": 0.2, "job_seen": 0.3, "scheduled": 0.5, "running": 0.6}
    records += [record(n, moments=early | {"scheduled": 5.9 + n / 100, "running": 6.2}) for n in (29, 30)]
    records += [record(31, moments=early)] + [record(n, "job_seen") for n in range(32, 201)]
    ids = {number: f"{number}-{1600 + number}" for number in range(29, 201)}
    seen = evidence(
        jobs=[job(job_id) for job_id in ids.values()],
        pods=[pod(ids[number], "worker-1", "Running") for number in (29, 30, 31)],
    )
    diagnosis = diagnose(records, seen, limit_s=6.0)
    assert by_cause(diagnosis) == {"controller-pace": 171, "port-closed": 1}


def test_an_event_that_is_known_by_its_reason_is_no_unknown_text():
    seen = evidence(
        pods=[waiting("1-1601", "ContainerCreating")],
        events=[event("Pod", "grpc-job-1-1601-abcde", "FailedCreatePodSandBox", "plugin type flannel failed")],
    )
    diagnosis = diagnose([record(1, "scheduled")], seen)
    assert by_cause(diagnosis) == {"pod-start": 1}
    assert diagnosis.unmatched == ()
