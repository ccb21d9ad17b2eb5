"""The Kubernetes objects of one investigation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from environments.sandbox.focus_server.answers import bin_range, stream_amount
from environments.sandbox.focus_server.schema import ConfigureRequest, Window

CONTAINER_PORT = 5000
Object = dict[str, Any]

GPU_RESOURCE = "nvidia.com/gpu.shared"
SERVER_IMAGE = "registry.sandbox/pzlinux:11.0.0"
CLEANUP_IMAGE = "registry.sandbox/cleanup-grpc:1.1"
STORAGE_VOLUME = "storage-san-volume"


@dataclass(frozen=True)
class JobId:
    """``<slot>-<serial>``: the slot decides the port and is used again, the serial never is."""

    slot: int
    serial: int

    def __str__(self) -> str:
        return f"{self.slot}-{self.serial}"


@dataclass(frozen=True)
class Investigation:
    """What is being opened; ``window`` is None for a live one."""

    job_id: JobId
    port: int
    request: ConfigureRequest
    window: Window | None

    @property
    def job_name(self) -> str:
        return f"grpc-job-{self.job_id}"

    @property
    def cleanup_name(self) -> str:
        return f"cleanup-job-{self.job_id}"

    @property
    def service_name(self) -> str:
        return f"grpc-service-{self.job_id}"


class Manifests:
    """Builds the objects; the small methods are what a job differs by."""

    def service(self, investigation: Investigation) -> dict[str, Any]:
        """The NodePort service in front of the job's pod."""
        port = {"name": "grpc", "protocol": "TCP", "port": investigation.port, "targetPort": CONTAINER_PORT}
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(investigation.service_name, self.labels(investigation, investigation.service_name)),
            "spec": {
                "type": "NodePort",
                "selector": self.selector(investigation),
                "ports": [{**port, "nodePort": investigation.port}],
            },
        }

    def grpc_job(self, investigation: Investigation) -> dict[str, Any]:
        """The job that streams; never retried, removed 120 s after its end."""
        container = {
            "name": "grpc-server",
            "image": SERVER_IMAGE,
            "command": self.command(investigation),
            "env": [
                {"name": "PRISMA_CERTIFICATES", "value": "/etc/ssl/certs"},
                {"name": "PRISMA_CONFIG", "value": "/home/prisma/pz/config"},
            ],
            "ports": [{"name": "grpc", "containerPort": CONTAINER_PORT, "protocol": "TCP"}],
            "resources": self.resources(),
            "volumeMounts": [{"name": name, "mountPath": path} for name, path, _ in self.volumes()],
        }
        pod = {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": name, **source} for name, _, source in self.volumes()],
        }
        labels = self.labels(investigation, investigation.job_name)
        return _job(investigation.job_name, labels, pod, self.backoff_limit(), ttl_s=120)

    def cleanup_job(self, investigation: Investigation) -> dict[str, Any]:
        """The watchdog that removes the investigation when it ended or nobody uses it."""
        container = {
            "name": "cleanup",
            "image": CLEANUP_IMAGE,
            "env": [
                {"name": "JOB_ID", "value": str(investigation.job_id)},
                {"name": "ENABLE_CPU_USAGE_CHECK", "value": "true"},
                {"name": "CPU_USAGE_THRESHOLD", "value": "4"},
                {"name": "MAX_CPU_USAGE_COUNT", "value": "5"},
            ],
        }
        pod = {"restartPolicy": "Never", "serviceAccountName": "cleanup-sa", "containers": [container]}
        labels = {"app": investigation.cleanup_name, "job_id": str(investigation.job_id)}
        return _job(investigation.cleanup_name, labels, pod, 0, ttl_s=10)

    def labels(self, investigation: Investigation, app: str) -> dict[str, str]:
        return {"app": app, "job_id": str(investigation.job_id)}

    def selector(self, investigation: Investigation) -> dict[str, str]:
        return {"app": investigation.job_name}

    def backoff_limit(self) -> int:
        return 0

    def resources(self) -> dict[str, dict[str, str]]:
        return {
            "requests": {GPU_RESOURCE: "1", "cpu": "100m", "memory": "512Mi"},
            "limits": {GPU_RESOURCE: "1", "memory": "1Gi"},
        }

    def volumes(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """Name, mount path and source of each volume."""
        return [
            ("certs", "/etc/ssl/certs", {"hostPath": {"path": "/etc/ssl/certs"}}),
            ("active-python-file", "/home/prisma/active-python-env.sh", {"hostPath": {"path": "/mnt/panda/python"}}),
            ("debug-env-volume", "/home/prisma/debug-codebase", {"hostPath": {"path": "/mnt/panda/debug-codebase"}}),
            ("prisma-config-volume", "/home/prisma/pz/config", {"configMap": {"name": "prisma-config"}}),
            (STORAGE_VOLUME, "/prisma/root/recordings", {"persistentVolumeClaim": {"claimName": "storage-san"}}),
        ]

    def command(self, investigation: Investigation) -> list[str]:
        request = investigation.request
        first_bin, last_bin = bin_range(request)
        words = ["/home/prisma/debug-codebase/venv/bin/python", "-m", "baby_analyzer"]
        words += ["--roi", str(request.channel_min), str(request.channel_max)]
        words += ["-sg", str(request.nfft), "--sg-range", str(first_bin), str(last_bin)]
        words += ["--grpc-streams-num", str(stream_amount(request))]
        words += ["--queue-name", f"focus_baby.{investigation.job_id}"]
        window = self.command_window(investigation)
        if window is not None:
            words += ["--time-start", command_time(window.start_s), "--time-end", command_time(window.end_s)]
        return words

    def command_window(self, investigation: Investigation) -> Window | None:
        """The recorded time the job is started for; a live job has none."""
        return investigation.window


def command_time(time_s: int) -> str:
    """Epoch seconds as the job's command writes a UTC time."""
    return time.strftime("%Y-%m-%d:%H:%M:%S", time.gmtime(time_s))


def _metadata(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "labels": dict(labels)}


def _job(name: str, labels: Mapping[str, str], pod: Mapping[str, Any], backoff_limit: int, ttl_s: int) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(name, labels),
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": backoff_limit,
            "ttlSecondsAfterFinished": ttl_s,
            "template": {"metadata": {"labels": dict(labels)}, "spec": dict(pod)},
        },
    }
