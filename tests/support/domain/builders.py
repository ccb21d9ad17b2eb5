"""Small pods, jobs and services for the tests of the checks, parsed by the real parsers."""

from __future__ import annotations

from typing import Any

from support.clients.kubernetes.client import Job, Node, Pod, Service
from support.model.job_view import JobView

JOB_ID = "3-17"


def pod(phase: str = "Running", **changes: Any) -> Pod:
    """The pod of job 3-17; ``conditions``, ``node``, ``resources``, ``volumes`` and ``mounts`` may be changed."""
    container = {
        "name": "grpc-server",
        "image": "pzlinux",
        "command": changes.get("command", ["python", "-m", "baby_analyzer"]),
        "resources": changes.get("resources", {}),
        "volumeMounts": changes.get("mounts", []),
    }
    return Pod.parse(
        {
            "metadata": {
                "name": changes.get("name", f"grpc-job-{JOB_ID}-abcde"),
                "labels": changes.get("labels", {"app": f"grpc-job-{JOB_ID}"}),
                "uid": "u",
            },
            "spec": {
                "nodeName": changes.get("node"),
                "containers": [container],
                "volumes": changes.get("volumes", []),
            },
            "status": {"phase": phase, "conditions": changes.get("conditions", [])},
        }
    )


def job(backoff_limit: int = 0, command: list[str] | None = None, **status: Any) -> Job:
    """The job 3-17."""
    template = {"spec": {"containers": [{"name": "grpc-server", "command": command or ["python"]}]}}
    return Job.parse(
        {
            "metadata": {"name": f"grpc-job-{JOB_ID}", "uid": "u"},
            "spec": {"backoffLimit": backoff_limit, "template": template},
            "status": status,
        }
    )


def service(node_port: int = 12303, selector: dict[str, str] | None = None, **changes: Any) -> Service:
    """The service of job 3-17."""
    return Service.parse(
        {
            "metadata": {"name": changes.get("name", f"grpc-service-{JOB_ID}"), "uid": "u"},
            "spec": {
                "type": changes.get("type", "NodePort"),
                "clusterIP": "10.43.0.9",
                "selector": {"app": f"grpc-job-{JOB_ID}"} if selector is None else selector,
                "ports": [{"port": node_port, "nodePort": node_port, "targetPort": changes.get("target", 5000)}],
            },
        }
    )


def node(name: str = "worker-node-1", gpu_slices: int = 2, address: str = "127.9.0.11") -> Node:
    return Node.parse(
        {
            "metadata": {"name": name, "labels": {}, "uid": "u"},
            "spec": {},
            "status": {
                "addresses": [{"type": "InternalIP", "address": address}],
                "allocatable": {"nvidia.com/gpu.shared": str(gpu_slices)},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
    )


def view(*pods: Pod, **changes: Any) -> JobView:
    """A view of job 3-17 with these pods."""
    defaults: dict[str, Any] = {
        "job_id": JOB_ID,
        "job": job(active=1),
        "pods": pods,
        "service": service(),
        "phases": frozenset(one.phase for one in pods),
        "pod_names": tuple(one.name for one in pods),
        "restarts": 0,
        "outcome": None,
        "reason": "",
        "traces": tuple(f"pod {one.name}" for one in pods),
    }
    return JobView(**{**defaults, **changes})
