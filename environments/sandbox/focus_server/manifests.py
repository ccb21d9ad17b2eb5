"""The Kubernetes objects of one investigation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from environments.sandbox.focus_server.answers import bin_range, stream_amount
from environments.sandbox.focus_server.hooks import hook
from environments.sandbox.focus_server.schema import ConfigureRequest, Window

CONTAINER_PORT = 5000
Object = dict[str, Any]

GPU_RESOURCE = "nvidia.com/gpu.shared"
SERVER_IMAGE = "registry.sandbox/pzlinux:11.0.0"
CLEANUP_IMAGE = "registry.sandbox/cleanup-grpc:1.1"
STORAGE_VOLUME = "storage-san-volume"


@dataclass(frozen=True)
class JobId:
    """``<slot>-<serial>``: the slot decides the port and is reused, the serial never is."""

    slot: int
    serial: int

    def __str__(self) -> str:
        return f"{self.slot}-{self.serial}"


@dataclass(frozen=True)
class JobShape:
    """The shape of the jobs. A foreign cluster has none of the sandbox's host folders and maybe no GPU slices."""

    server_image: str = SERVER_IMAGE
    cleanup_image: str = CLEANUP_IMAGE
    gpu: bool = True
    host_folders: bool = True

    def mounted(self) -> tuple[tuple[str, str, Mapping[str, Any]], ...]:
        """Name, mount path and source of each volume."""
        return tuple(volume for volume in VOLUMES if self.host_folders or "hostPath" not in volume[2])


@dataclass(frozen=True)
class Investigation:
    """An investigation that is being opened."""

    job_id: JobId
    port: int
    request: ConfigureRequest
    shape: JobShape = JobShape()

    @property
    def window(self) -> Window | None:
        return self.request.window

    @property
    def job_name(self) -> str:
        return f"grpc-job-{self.job_id}"

    @property
    def cleanup_name(self) -> str:
        return f"cleanup-job-{self.job_id}"

    @property
    def service_name(self) -> str:
        return f"grpc-service-{self.job_id}"


VOLUMES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("certs", "/etc/ssl/certs", {"hostPath": {"path": "/etc/ssl/certs"}}),
    ("active-python-file", "/home/prisma/active-python-env.sh", {"hostPath": {"path": "/mnt/panda/python"}}),
    ("debug-env-volume", "/home/prisma/debug-codebase", {"hostPath": {"path": "/mnt/panda/debug-codebase"}}),
    ("prisma-config-volume", "/home/prisma/pz/config", {"configMap": {"name": "prisma-config"}}),
    (STORAGE_VOLUME, "/prisma/root/recordings", {"persistentVolumeClaim": {"claimName": "storage-san"}}),
)
"""Volumes in the form of :meth:`JobShape.mounted`."""


@hook("service.describe")
def service(investigation: Investigation) -> Object:
    """The NodePort service in front of the job's pod."""
    port = {"name": "grpc", "protocol": "TCP", "port": investigation.port, "targetPort": CONTAINER_PORT}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(investigation.service_name, investigation),
        "spec": {
            "type": "NodePort",
            "selector": {"app": investigation.job_name},
            "ports": [{**port, "nodePort": investigation.port}],
        },
    }


@hook("job.describe")
def grpc_job(investigation: Investigation) -> Object:
    """The job that streams; never retried, removed 120 s after it ends."""
    slices = {GPU_RESOURCE: "1"} if investigation.shape.gpu else {}
    container = {
        "name": "grpc-server",
        "image": investigation.shape.server_image,
        "command": command(investigation),
        "env": [
            {"name": "PRISMA_CERTIFICATES", "value": "/etc/ssl/certs"},
            {"name": "PRISMA_CONFIG", "value": "/home/prisma/pz/config"},
        ],
        "ports": [{"name": "grpc", "containerPort": CONTAINER_PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {**slices, "cpu": "100m", "memory": "512Mi"},
            "limits": {**slices, "memory": "1Gi"},
        },
        "volumeMounts": [{"name": name, "mountPath": path} for name, path, _ in investigation.shape.mounted()],
    }
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": name, **source} for name, _, source in investigation.shape.mounted()],
    }
    return _job(investigation.job_name, investigation, pod, ttl_s=120)


def cleanup_job(investigation: Investigation) -> Object:
    """The watchdog that removes the investigation after it ended or while it is unused."""
    container = {
        "name": "cleanup",
        "image": investigation.shape.cleanup_image,
        "env": [
            {"name": "JOB_ID", "value": str(investigation.job_id)},
            {"name": "ENABLE_CPU_USAGE_CHECK", "value": "true"},
            {"name": "CPU_USAGE_THRESHOLD", "value": "4"},
            {"name": "MAX_CPU_USAGE_COUNT", "value": "5"},
        ],
    }
    pod = {"restartPolicy": "Never", "serviceAccountName": "cleanup-sa", "containers": [container]}
    return _job(investigation.cleanup_name, investigation, pod, ttl_s=10)


def command(investigation: Investigation) -> list[str]:
    """The command of the job's container."""
    request = investigation.request
    first_bin, last_bin = bin_range(request)
    words = ["/home/prisma/debug-codebase/venv/bin/python", "-m", "baby_analyzer"]
    words += ["--roi", str(request.channel_min), str(request.channel_max)]
    words += ["-sg", str(request.nfft), "--sg-range", str(first_bin), str(last_bin)]
    words += ["--grpc-streams-num", str(stream_amount(request))]
    words += ["--queue-name", f"focus_baby.{investigation.job_id}"]
    window = job_window(investigation)
    if window is not None:
        words += ["--time-start", command_time(window.start_s), "--time-end", command_time(window.end_s)]
    return words


@hook("job.window")
def job_window(investigation: Investigation) -> Window | None:
    """The recorded time range that the job plays; None for a live job."""
    return investigation.window


def command_time(time_s: int) -> str:
    """Epoch seconds as a UTC time in the format of the job's command."""
    return time.strftime("%Y-%m-%d:%H:%M:%S", time.gmtime(time_s))


def _metadata(name: str, investigation: Investigation) -> Object:
    return {"name": name, "labels": {"app": name, "job_id": str(investigation.job_id)}}


def _job(name: str, investigation: Investigation, pod: Mapping[str, Any], ttl_s: int) -> Object:
    metadata = _metadata(name, investigation)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": ttl_s,
            "template": {"metadata": {"labels": dict(metadata["labels"])}, "spec": dict(pod)},
        },
    }
