"""One canned case for each row of the table (docs/facts/capacity.md 5), and for the causes beyond it."""

from dataclasses import dataclass, field

import pytest

from support.capacity.diagnosis import CAUSES, diagnose
from support.capacity.load.results import ClusterEvidence, SelfCheck
from support.model.recording_index import Search
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
    usage,
    waiting,
)

ID = "1-1601"
POD = f"grpc-job-{ID}-abcde"
JOB = f"grpc-job-{ID}"
TAIL = " preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."


@dataclass
class Case:
    cause: str
    shown: str
    records: list = field(default_factory=lambda: [record(1, "job_seen")])
    seen: ClusterEvidence = field(default_factory=ClusterEvidence)
    more: dict = field(default_factory=dict)


def unplaced(reasons):
    return evidence(jobs=[job(ID)], pods=[unschedulable(ID, f"0/2 nodes are available: {reasons}.{TAIL}")])


def started(*states, **status):
    return evidence(pods=[pod(ID, "worker-1", states=list(states), **status)], jobs=[job(ID)], nodes=[node()])


def failed_pod(reason, message):
    return evidence(pods=[pod(ID, "worker-1", "Failed", reason=reason, message=message)], nodes=[node()])


def killed(reason, code):
    return {"state": {"terminated": {"reason": reason, "exitCode": code, "finishedAt": "2026-11-21T10:00:07Z"}}}


def queue(workers=24, each_s=0.15, count=200):
    return [record(number, at=each_s * (1 + (number - 1) // workers)) for number in range(1, count + 1)]


def claim(phase):
    return {"metadata": {"name": "recordings"}, "status": {"phase": phase}}


SLOW = {"slow_above_ms": 300}
SCAN, LOOKUP = Search(("COLLSCAN",), 120), Search(("FETCH", "IXSCAN"), 4)
AWAY = "Cannot look up recordings: MongoDB is not reachable"
GONE = [record(1, "scheduled")]
ALL_OPEN = [record(1, alive=False)]
API_429 = "the server has received too many requests and has asked us to try again later"
POOL = "WaitQueueTimeoutError: Timed out while checking out a connection from connection pool. maxPoolSize: 5"
NO_ROOM = "no room in the cluster for one more"
CASES = {
    "1 cpu": Case("node-cpu", "Insufficient cpu", seen=unplaced("2 Insufficient cpu")),
    "1 cpu, by an event only": Case(
        "node-cpu",
        "Insufficient cpu",
        seen=evidence(
            pods=[pod(ID)],
            events=[event("Pod", POD, "FailedScheduling", "0/2 nodes are available: 2 Insufficient cpu")],
        ),
    ),
    "1 cpu, refused by the server": Case(
        "node-cpu", "cpu: 50m", [refused(1, f"{NO_ROOM}: cpu: 50m of 14 free")]
    ),
    "2 memory": Case("node-memory", "Insufficient memory", seen=unplaced("2 Insufficient memory")),
    "2 memory, refused by the server": Case(
        "node-memory", "memory: 0", [refused(1, f"{NO_ROOM}: memory: 0 of 70Gi free")]
    ),
    "2 storage": Case("node-storage", "ephemeral-storage", seen=unplaced("2 Insufficient ephemeral-storage")),
    "3 gpu": Case("gpu-slices", "gpu.shared", seen=unplaced("2 Insufficient nvidia.com/gpu.shared")),
    "3 gpu, a slice of a card": Case("gpu-slices", "mig-1g", seen=unplaced("2 Insufficient nvidia.com/mig-1g.5gb")),
    "3 gpu, at the kubelet": Case(
        "gpu-slices",
        "devices unavailable",
        GONE,
        failed_pod(
            "UnexpectedAdmissionError",
            "Allocate failed due to requested number of devices unavailable for nvidia.com/gpu.shared. Requested: 1, "
            "Available: 0, which is unexpected",
        ),
    ),
    "3 gpu, refused by the server": Case(
        "gpu-slices",
        "0 of 120 free",
        [refused(1, f"{NO_ROOM}: GPU slices (nvidia.com/gpu.shared): 0 of 120 free, 3 waiting")],
    ),
    "4 pods": Case("pods-per-node", "Too many pods", seen=unplaced("2 Too many pods")),
    "4 pods, at the kubelet": Case(
        "pods-per-node", "OutOfpods", GONE, failed_pod("OutOfpods", "Node didn't have enough resource: pods, used: 110")
    ),
    "5 taint": Case("placement", "gpu-only", seen=unplaced("2 node(s) had untolerated taint {gpu-only: true}")),
    "5 affinity": Case(
        "placement", "affinity", seen=unplaced("2 node(s) didn't match Pod's node affinity/selector")
    ),
    "6 race": Case(
        "kubelet-race",
        "OutOfcpu",
        GONE,
        failed_pod("OutOfcpu", "Node didn't have enough resource: cpu, requested: 100, used: 3950, capacity: 4000"),
    ),
    "7 quota": Case(
        "quota",
        "used: pods=50",
        seen=evidence(
            jobs=[job(ID)],
            events=[
                event(
                    "Job", JOB, "FailedCreate",
                    f'Error creating: pods "{POD}" is forbidden: exceeded quota: panda-pods, requested: pods=1, '
                    "used: pods=50, limited: pods=50",
                )
            ],
        ),
    ),
    "7 quota, refused by the server": Case(
        "quota", "panda-pods", [refused(1, f"{NO_ROOM}: pods of quota panda-pods: 0 of 50 free")]
    ),
    "7 quota, nothing specified": Case(
        "quota", "must specify", [refused(1, 'Kubernetes refused: failed quota: q: must specify cpu for: grpc', 500)]
    ),
    "8 range full": Case(
        "node-ports",
        "range is full",
        [refused(1, "Kubernetes refused: Internal error occurred: failed to allocate a nodePort: range is full")],
    ),
    "8 not in range": Case(
        "node-ports",
        "12301-12450",
        [refused(1, "12451: provided port is not in the valid range. The range of valid ports is 12301-12450")],
    ),
    "8 all in use": Case(
        "node-ports", "no free stream port", [refused(1, "no free stream port: all 150 ports 12301-12450 are in use")]
    ),
    "8 leaked": Case(
        "leaked-ports",
        "services whose job is gone",
        [refused(1, "no free stream port: all 400 ports 12301-12700 are in use")],
        evidence(services=[service(f"{number}-9{number:02}", 12300 + number) for number in range(1, 6)]),
    ),
    "8 leaked, as the server says": Case(
        "leaked-ports",
        "250 of them",
        [refused(1, "no free stream port: all 400 ports are in use, 250 of them by services whose job is gone")],
    ),
    "8 shared port": Case("shared-port", "investigations 1, 2", [record(1, port=12301), record(2, port=12301)]),
    "9 back-off": Case(
        "image-pull", "Back-off", GONE, evidence(pods=[waiting(ID, "ImagePullBackOff", "Back-off pulling image x")])
    ),
    "9 never": Case("image-pull", "ErrImageNeverPull", GONE, evidence(pods=[waiting(ID, "ErrImageNeverPull")])),
    "9 too fast": Case(
        "image-pull",
        "pull QPS exceeded",
        GONE,
        evidence(pods=[pod(ID, "worker-1")], events=[event("Pod", POD, "Failed", "pull QPS exceeded")]),
    ),
    "10 sandbox": Case(
        "pod-start",
        "FailedCreatePodSandBox",
        GONE,
        evidence(
            pods=[waiting(ID, "ContainerCreating")],
            events=[event("Pod", POD, "FailedCreatePodSandBox", "failed to assign an IP address to container")],
        ),
    ),
    "10 long, without a word": Case(
        "pod-start", "ContainerCreating", GONE, evidence(pods=[waiting(ID, "ContainerCreating")])
    ),
    "11 throttling": Case(
        "cpu-throttling",
        "0.20 cores",
        [record(1, "running")],
        evidence(pods=[pod(ID, "worker-1", "Running", limits={"cpu": "200m"})], usage=[usage(POD, "195m")]),
    ),
    "12 memory": Case("memory-limit", "exit code 137", ALL_OPEN, started(killed("OOMKilled", 137), phase="Failed")),
    "12 memory, then failed": Case(
        "memory-limit",
        "OOMKilled",
        ALL_OPEN,
        evidence(
            pods=[pod(ID, "worker-1", "Failed", states=[killed("OOMKilled", 137)])],
            jobs=[job(ID, [("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")])],
        ),
    ),
    "13 evicted": Case(
        "node-pressure",
        "low on resource",
        ALL_OPEN,
        failed_pod("Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 8Mi."),
    ),
    "13 by the kubelet": Case(
        "node-pressure",
        "TerminationByKubelet",
        ALL_OPEN,
        evidence(pods=[pod(ID, "worker-1", "Failed", [("DisruptionTarget", "True", "TerminationByKubelet", "x")])]),
    ),
    "14 preempted": Case(
        "preemption",
        "PreemptionByScheduler",
        ALL_OPEN,
        evidence(pods=[pod(ID, "worker-1", "Failed", [("DisruptionTarget", "True", "PreemptionByScheduler", "x")])]),
    ),
    "14 preempted, by an event": Case(
        "preemption",
        "Preempted",
        ALL_OPEN,
        evidence(pods=[pod(ID, "worker-1")], events=[event("Pod", POD, "Preempted", "by a pod on worker-1", "Normal")]),
    ),
    "15 in the answer": Case("api-overload", "too many requests", [refused(1, f"Kubernetes refused: {API_429}")]),
    "15 by the flow schema": Case(
        "api-overload", "429", [refused(1, "", 429, headers={"X-Kubernetes-PF-FlowSchema-UID": "5d1a"})]
    ),
    "15 in the server's log": Case(
        "api-overload",
        "too many requests",
        [refused(1, "Internal Server Error", 500)],
        ClusterEvidence(server_log=f"start\nWARNING opening 1-1601 failed: {API_429}\n"),
    ),
    "15 to the suite": Case(
        "api-overload",
        "status 429",
        [refused(1, "Internal Server Error", 500)],
        evidence(refusals=[{"status": 429, "headers": {}, "message": API_429}]),
    ),
    "16 pace": Case(
        "controller-pace",
        "scheduled per second",
        [
            *paced(range(1, 31), 5.0),
            *(record(n, "job_seen") for n in range(31, 201)),
        ],
        evidence(jobs=[job(f"{number}-{1600 + number}") for number in range(31, 201)]),
        {"limit_s": 6.0},
    ),
    "17 job": Case(
        "job-failed",
        "BackoffLimitExceeded",
        ALL_OPEN,
        evidence(jobs=[job(ID, [("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")])]),
    ),
    "17 crash loop": Case("job-failed", "CrashLoopBackOff", GONE, evidence(pods=[waiting(ID, "CrashLoopBackOff")])),
    "17 config": Case(
        "job-failed", "CreateContainerConfigError", GONE, evidence(pods=[waiting(ID, "CreateContainerConfigError")])
    ),
    "18 in the answer": Case(
        "mongo-pool",
        "maxPoolSize: 5",
        [refused(1, f"Cannot look up recordings: no connection to MongoDB became free: {POOL}")],
    ),
    "18 in the log": Case(
        "mongo-pool", "maxPoolSize: 5", [refused(1, "oops", 500)], ClusterEvidence(server_log=f"ERROR {POOL}")
    ),
    "18 of Node": Case("mongo-pool", "MongoWait", [refused(1, "MongoWaitQueueTimeoutError: Timed out", 500)]),
    "18 as latency": Case("mongo-pool", "maxPoolSize", queue(), ClusterEvidence(server_log=POOL), SLOW),
    "19 queueing": Case("server-queueing", "knee", queue(), more=SLOW),
    "19 slow from 100 on": Case(
        "server-slow-from",
        "the first 100 answers",
        [record(n, at=0.1 + 0.0005 * n if n <= 100 else 2.1 + 0.0005 * n) for n in range(1, 201)],
        more=SLOW,
    ),
    "19 slow with 200, not with 50": Case(
        "server-slow-from",
        "50 at once",
        [record(number, at=2.0 + 0.01 * (number % 7)) for number in range(1, 201)],
        more=SLOW | {"ramp": [[record(number, at=0.1) for number in range(1, 51)]]},
    ),
    "20 cpu": Case(
        "server-cpu",
        "limit 2 cores",
        queue(),
        evidence(
            all_pods=[server_pod(limits={"cpu": "2"})], usage=[usage("panda-panda-focus-server-1", "1950m")]
        ),
        SLOW,
    ),
    "20 one core": Case(
        "server-cpu",
        "one core",
        queue(),
        evidence(all_pods=[server_pod()], usage=[usage("panda-panda-focus-server-1", "980m")]),
        SLOW,
    ),
    "21 self-check": Case(
        "generator",
        "added P95 ms",
        queue(),
        more=SLOW | {"self_check": SelfCheck(200, 50, 20, 85, 200, 300, False, "adds 85 ms")},
    ),
    "21 descriptors": Case("generator", "EMFILE", [refused(1, "[Errno 24] EMFILE: Too many open files", None)]),
    "22 gateway": Case(
        "network", "nginx", [refused(1, "<html>502 Bad Gateway</html>", 502, headers={"Server": "nginx/1.25"})]
    ),
    "22 connect": Case("network", "connect timeout", [refused(1, "ConnectTimeout: connect timeout=5", None)]),
    "crash": Case(
        "server-crash",
        "0 before the load, 1 after",
        [refused(1, "ConnectionResetError: Connection reset by peer", None)],
        evidence(all_pods=[server_pod(1, states=[{"lastState": {"terminated": {"reason": "Error", "exitCode": 1}}}])]),
        {"before": evidence(all_pods=[server_pod(0)])},
    ),
    "crash, replaced": Case(
        "server-crash",
        "did not exist before",
        [refused(1, "Connection refused", None)],
        evidence(all_pods=[server_pod(name="panda-focus-server-2")]),
        {"before": evidence(all_pods=[server_pod(name="panda-focus-server-1")])},
    ),
    "crash for memory": Case(
        "memory-limit",
        "OOMKilled",
        [refused(1, "Connection refused", None)],
        evidence(all_pods=[server_pod(1, states=[{"lastState": killed("OOMKilled", 137)["state"]}])]),
        {"before": evidence(all_pods=[server_pod(0)])},
    ),
    "node lost": Case(
        "node-not-ready",
        "stopped posting node status",
        seen=evidence(
            pods=[unschedulable(ID, "0/2 nodes are available: 1 Insufficient nvidia.com/gpu.shared, "
                                    "1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }." + TAIL)],
            nodes=[node(), node("worker-2", ready="Unknown", taints=["node.kubernetes.io/unreachable"])],
        ),
    ),
    "node lost under a running pod": Case(
        "node-not-ready", "worker-2", ALL_OPEN,
        evidence(pods=[pod(ID, "worker-2", "Running")], nodes=[node(), node("worker-2", ready="Unknown")]),
    ),
    "lookups that scan, unanswered": Case(
        "mongo-index", "COLLSCAN, 120 documents examined", [refused(1, AWAY, 503)], ClusterEvidence(search=SCAN)
    ),
    "lookups that scan, with all connections in use": Case(
        "mongo-index", "maxPoolSize: 5", [refused(1, POOL, 503)], ClusterEvidence(search=SCAN)
    ),
    "lookups that scan, late": Case("mongo-index", "COLLSCAN", queue(), ClusterEvidence(search=SCAN), SLOW),
    "a full storage": Case("recordings-storage", "No space left", [refused(1, "[Errno 28] No space left on device")]),
    "a storage that is lost": Case(
        "recordings-storage",
        "status.phase Lost recordings",
        GONE,
        evidence(pods=[waiting(ID, "ContainerCreating")], jobs=[job(ID)], nodes=[node()], claims=[claim("Lost")]),
    ),
    "a storage that is not bound": Case(
        "recordings-storage", "unbound", seen=unplaced("pod has unbound immediate PersistentVolumeClaims")
    ),
    "no job": Case("job-missing", "never", [record(1, "answered")]),
    "never running, no pod": Case("never-running", "none was ever created", seen=evidence(jobs=[job(ID)])),
    "never running, no reason": Case("never-running", "Pending", seen=evidence(jobs=[job(ID)], pods=[pod(ID)])),
    "live job without a consumer": Case(
        "stream-client",
        "Completed, exit code 0",
        [record(1, "port_open", alive=False)],
        evidence(pods=[pod(ID, "worker-1", "Succeeded", states=[killed("Completed", 0)])]),
    ),
    "port": Case(
        "port-closed", "refused or silent", [record(1, "running")], evidence(pods=[pod(ID, "worker-1", "Running")])
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_evidence_names_its_cause(name):
    case = CASES[name]
    diagnosis = diagnose(case.records, case.seen, **({"self_check": None} | case.more))
    assert diagnosis.findings, diagnosis
    first = diagnosis.findings[0]
    assert first.cause.id == case.cause
    assert case.shown in " ".join(f"{row.field} {row.value} {row.object}" for row in first.evidence)
    assert not diagnosis.unattributed and not diagnosis.unattributed_slow
    assert all(row.source and row.object and row.field for row in first.evidence)


def test_every_cause_and_every_row_of_the_table_has_a_case():
    assert {case.cause for case in CASES.values()} == set(CAUSES)
    assert {cause.row for cause in CAUSES.values()} - {None} == set(range(1, 23))


REFUSED = [name for name, case in CASES.items() if any(each.status != 200 for each in case.records)]


@pytest.mark.parametrize("name", REFUSED)
def test_without_the_evidence_nothing_is_guessed(name):
    """The same refusals with an empty cluster and a silent answer."""
    silent = [refused(each.number, "", each.status) for each in CASES[name].records]
    diagnosis = diagnose(silent, ClusterEvidence())
    assert diagnosis.findings == ()
    assert len(diagnosis.unattributed) == diagnosis.failed == len(silent)


def test_a_recording_that_was_played_to_its_end_needs_no_consumer():
    ended = pod(ID, "worker-1", "Succeeded", states=[killed("Completed", 0)])
    ended["spec"]["containers"][0]["command"] = [
        "python",
        "-m",
        "baby_analyzer",
        "--time-start",
        "x",
        "--time-end",
        "y",
    ]
    found = diagnose([record(1, "port_open", alive=False)], evidence(pods=[ended]), self_check=None).findings
    assert "stream-client" not in [one.cause.id for one in found]


def test_a_job_whose_port_never_opened_says_nothing_of_its_client():
    ended = evidence(pods=[pod(ID, "worker-1", "Succeeded", states=[killed("Completed", 0)])])
    found = diagnose([record(1, "running", alive=False)], ended, self_check=None).findings
    assert "stream-client" not in [one.cause.id for one in found]


def test_who_stayed_alone_when_the_others_had_ended_is_told_as_such():
    ended = pod(ID, "worker-1", "Succeeded", states=[killed("Completed", 0)])
    records = [record(1, "port_open", alive=False), record(2, "port_open", alive=False)]
    found = diagnose(records, evidence(pods=[ended]), self_check=None)
    assert [one.cause.id for one in found.findings] == ["stream-client"] and not found.unattributed
    assert "1 of the others had ended before all were open" in [row.value for row in found.findings[0].evidence]
    nobody_ended = diagnose(records, evidence(pods=[]), self_check=None)
    assert nobody_ended.findings == () and len(nobody_ended.unattributed) == 2


@pytest.mark.parametrize(
    ("records", "seen", "cause"),
    [
        ([refused(1, AWAY, 503)], {"search": LOOKUP}, None),
        ([refused(1, AWAY, 400)], {"search": SCAN}, None),
        ([refused(1, POOL, 503)], {"search": LOOKUP}, "mongo-pool"),
        (GONE, {"pods": [waiting(ID, "ContainerCreating")], "claims": [claim("Bound")]}, "pod-start"),
    ],
)
def test_an_index_that_is_used_and_a_claim_that_is_bound_are_no_cause(records, seen, cause):
    found = diagnose(records, evidence(jobs=[job(ID)], nodes=[node()], **seen)).findings
    assert [one.cause.id for one in found] == ([cause] if cause else [])
