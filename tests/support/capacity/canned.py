"""Canned evidence in the form of the Kubernetes API."""

from support.capacity.load.results import PHASES, ClusterEvidence, JobRecord, LoadStep

GPU = "nvidia.com/gpu.shared"
CREATED = "2026-11-21T10:00:00Z"
ANSWER = '{"job_id": "x"}'


def record(number, reached="released", status=200, answer=ANSWER, at=0.3, port=None, **more):
    """The record of an investigation that reached ``reached`` (None: no phase), answered after ``at`` seconds."""
    last = {None: 0, "released": len(PHASES)}.get(reached, PHASES.index(reached) + 1 if reached in PHASES else 0)
    moments = {phase: at + 0.2 * place for place, phase in enumerate(PHASES[:last])}
    opened = status == 200
    return JobRecord(
        number,
        intended_s=100.0,
        sent_s=100.0,
        status=status,
        answer=answer,
        job_id=f"{number}-{1600 + number}" if opened else None,
        stream_host="10.0.0.1" if opened else None,
        stream_port=(12300 + number if port is None else port) if opened else None,
        reached=more.pop("moments", moments),
        alive_together=more.pop("alive", reached == "released"),
        **more,
    )


def paced(numbers, per_s):
    """Jobs that opened completely, with their pods placed one after the other at ``per_s`` per second."""
    return [
        record(
            number,
            moments={"answered": 0.2, "job_seen": 0.3}
            | {phase: place / per_s + 0.5 for phase in ("scheduled", "running", "port_open")},
        )
        for place, number in enumerate(numbers, 1)
    ]


def refused(number, answer, status=503, **more):
    return record(number, None, status, answer, **more)


def pod(job, node=None, phase="Pending", conditions=(), states=(), role="grpc", requests=None, limits=None, **status):
    name = f"{role}-job-{job}-abcde" if "-" in job and job[0].isdigit() else job
    wanted = {"cpu": "100m", "memory": "512Mi", GPU: "1"} if role == "grpc" else {}
    container = {
        "name": "c",
        "resources": {"requests": wanted if requests is None else requests, "limits": limits or {}},
    }
    return {
        "metadata": {"name": name, "namespace": "panda", "uid": name, "creationTimestamp": CREATED},
        "spec": {"containers": [container], **({"nodeName": node} if node else {})},
        "status": {
            "phase": phase,
            "conditions": [
                {"type": kind, "status": value, "reason": reason, "message": message, "lastTransitionTime": CREATED}
                for kind, value, reason, message in conditions
            ],
            "containerStatuses": [{"name": "c", **state} for state in states],
            **status,
        },
    }


def unschedulable(job, message):
    return pod(job, conditions=[("PodScheduled", "False", "Unschedulable", message)])


def waiting(job, reason, message="", node="worker-1"):
    state = {"state": {"waiting": {"reason": reason, "message": message}}}
    return pod(job, node, conditions=[("PodScheduled", "True", "", "")], states=[state])


def job(job_id, conditions=(), role="grpc", **status):
    told = [{"type": kind, "status": "True", "reason": why, "message": text} for kind, why, text in conditions]
    return {"metadata": {"name": f"{role}-job-{job_id}", "uid": job_id}, "status": {"conditions": told, **status}}


def service(job_id, port):
    return {
        "metadata": {"name": f"grpc-service-{job_id}", "uid": job_id, "creationTimestamp": CREATED},
        "spec": {"type": "NodePort", "ports": [{"port": port, "nodePort": port}]},
    }


def node(name="worker-1", gpu="60", pods="110", ready="True", taints=(), cpu="112", memory="1024Gi"):
    offered = {"cpu": cpu, "memory": memory, "pods": pods, **({GPU: gpu} if gpu is not None else {})}
    why = "KubeletReady" if ready == "True" else "NodeStatusUnknown"
    told = "" if ready == "True" else "Kubelet stopped posting node status."
    return {
        "metadata": {"name": name},
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {
            "allocatable": offered,
            "conditions": [
                {"type": "Ready", "status": ready, "reason": why, "message": told, "lastTransitionTime": CREATED}
            ],
        },
    }


def event(kind, name, reason, message, type_="Warning"):
    return {
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
        "type": type_,
        "firstTimestamp": CREATED,
    }


def server_pod(restarts=0, name="panda-panda-focus-server-1", limits=None, states=()):
    state = {"restartCount": restarts, "state": {"running": {"startedAt": CREATED}}}
    return pod(name, "worker-1", "Running", requests={}, limits=limits, states=[*states, state])


def usage(name, cpu):
    return {
        "metadata": {"name": name},
        "timestamp": CREATED,
        "containers": [{"name": "c", "usage": {"cpu": cpu, "memory": "300Mi"}}],
    }


def evidence(**objects):
    return ClusterEvidence(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in objects.items()}
    )


def step(records, seconds=5.0, **more):
    running = sum(each.ok for each in records)
    ports = len({each.stream_port for each in records if each.stream_port})
    return LoadStep(len(records), tuple(records), seconds, len(records), 200.0, running, ports, **more)
