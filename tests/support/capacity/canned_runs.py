"""Whole capacity runs, as the load engine would return them."""

from dataclasses import replace
from datetime import UTC, datetime

from support.capacity.load.results import SelfCheck
from support.capacity.load.run import CapacityRun, Recovery, Target
from tests.support.capacity.canned import (
    evidence,
    job,
    node,
    pod,
    record,
    refused,
    server_pod,
    service,
    step,
    unschedulable,
    usage,
)

STARTED, FINISHED = datetime(2026, 11, 21, 10, 0, tzinfo=UTC), datetime(2026, 11, 21, 10, 1, 30, tzinfo=UTC)
CHECK = SelfCheck(200, 50.0, 0.8, 4.2, 198, 185.0, True)
SLOW_CHECK = replace(CHECK, added_p95_ms=88.0, trusted=False, reason="adds 88 ms at P95, allowed 30")
GPU_TEXT = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "2 Insufficient nvidia.com/gpu.shared. preemption: 0/3 nodes are available: 3 Preemption is not helpful."
)
MASTER = node("master-1", gpu=None, taints=["node-role.kubernetes.io/control-plane"])


def name_of(number):
    return f"{number}-{1600 + number}"


def running_pods(numbers, nodes=("worker-1", "worker-2")):
    pods = []
    for number in numbers:
        where = nodes[number % len(nodes)]
        pods += [pod(name_of(number), where, "Running"), pod(name_of(number), where, "Running", role="cleanup")]
    return pods


def ramp(*counts, at=0.09):
    return tuple(step([record(number, at=at + count / 4000) for number in range(1, count + 1)]) for count in counts)


def run(records, during, **more):
    made = CapacityRun(
        environment="sandbox",
        started=STARTED,
        finished=FINISHED,
        target=Target(),
        step=step(records),
        during=during,
        ramp=ramp(1, 5, 10, 20, 50, 100),
        self_check=CHECK,
        fingerprint={"kubernetes": "v1.34.1+k3s1", "stream_ports": [12301, 12700]},
        generator={"engine": "threads", "python": "3.11.7"},
        git_revision="4b909e2",
    )
    return replace(made, **more)


def shortage_of_slices():
    """120 of 200 slices are free: 80 pods wait, and two requests fail for another reason."""
    records = [record(number, at=0.12 + number / 4000) for number in range(1, 121)]
    records += [record(number, "job_seen", at=0.15 + number / 4000) for number in range(121, 199)]
    records += [refused(199, "Gremlins in the rack", 500), refused(200, "exceeded quota: q, requested: pods=1", 503)]
    waiting = [unschedulable(name_of(number), GPU_TEXT) for number in range(121, 199)]
    placed = running_pods(range(1, 121))
    server = server_pod(limits={"cpu": "2"})
    return run(
        records,
        evidence(
            pods=[*(each for each in placed if each["metadata"]["name"].startswith("grpc")), *waiting],
            jobs=[job(name_of(number)) for number in range(1, 199)],
            services=[service(name_of(number), 12300 + number) for number in range(1, 199)],
            nodes=[MASTER, node("worker-1", gpu="60", pods="250"), node("worker-2", gpu="60", pods="250")],
            all_pods=[server, *placed, *waiting],
            usage=[usage("panda-panda-focus-server-1", "400m") | {
                "containers": [{"name": "c", "usage": {"cpu": "400m", "memory": "300Mi"}}]}],
        ),
        recovery=Recovery(110.0, 2.4, 118.0),
    )  # fmt: skip


def success():
    records = [record(number, at=0.1 + number / 2000) for number in range(1, 201)]
    placed = running_pods(range(1, 201))
    return run(
        records,
        evidence(
            pods=placed,
            jobs=[job(name_of(number)) for number in range(1, 201)],
            nodes=[MASTER, node("worker-1", gpu="120", pods="250"), node("worker-2", gpu="120", pods="250")],
            all_pods=[server_pod(), *placed],
        ),
        baseline_p95_ms=(190.0, 195.0, 200.0, 192.0, 199.0, 203.0, 188.0, 196.0),
        recovery=Recovery(110.0, 1.2, 112.0),
    )


def queueing():
    """All 200 open, queued behind 24 workers of 0.15 s each."""
    made = success()
    records = [record(number, at=0.15 * (1 + (number - 1) // 24)) for number in range(1, 201)]
    return replace(made, step=step(records), baseline_p95_ms=())


def aborted():
    """Aborted by Ctrl-C after 40 of 200."""
    made = shortage_of_slices()
    records = [record(number) for number in range(1, 41)]
    return replace(made, step=step(records), stopped_because="interrupted", recovery=None)


def never_ran():
    return replace(
        shortage_of_slices(), step=None, ramp=(), stopped_because="the cluster did not answer", recovery=None
    )


def untrusted():
    return replace(queueing(), self_check=SLOW_CHECK)


RUNS = {each.__name__: each for each in (shortage_of_slices, success, queueing, aborted, never_ran, untrusted)}
