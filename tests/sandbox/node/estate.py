"""The kubernetes and node processes together, and the operations of a cluster client on them."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from environments.sandbox.shared.certificates import CertificateAuthority
from support.waits import Stopwatch
from tests.sandbox.process_runner import ProcessFailed, RunningProcess, base_config, reserve_port

TOKEN, NODE_TOKEN = "token-of-the-suite", "token-of-the-node"
HOST = "127.0.0.1"
PANDA = "/api/v1/namespaces/panda"
JOBS = "/apis/batch/v1/namespaces/panda/jobs"
DEPLOYMENTS = "/apis/apps/v1/namespaces/panda/deployments"

Object = dict[str, Any]


class Estate:
    """The two running processes; use as a context."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.config = base_config(folder, settings=settings)
        self.run_dir = Path(self.config["run_dir"])
        (self.run_dir / "logs" / "focus-server.log").write_text("2026-01-01T00:00:00+0000 INFO pz.focus_server up\n")
        (self.run_dir / "logs" / "mongodb.log").write_text("waiting for connections\n")
        authority = CertificateAuthority(folder / "tls")
        certificate = authority.issue("kubernetes", [HOST])
        port, kubelet = reserve_port(), {"host": HOST, "port": reserve_port()}
        self.url = f"https://{HOST}:{port}"
        own = {
            "host": HOST, "port": port, "ca_file": str(authority.ca_file), "cert_file": str(certificate.cert_file),
            "key_file": str(certificate.key_file), "tokens": {TOKEN: "focus-acceptance", NODE_TOKEN: "system:node"},
            "kubelet": {**kubelet, "token": NODE_TOKEN},
        }  # fmt: skip
        access = {"url": self.url, "ca_file": str(authority.ca_file), "token": NODE_TOKEN}
        self.kubernetes = RunningProcess("kubernetes", {**self.config, **own, "name": "kubernetes"})
        self.node = RunningProcess(
            "node", {**self.config, "name": "node", "kubernetes": access, "kubelet": kubelet, "processes": {}}
        )
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = str(authority.ca_file)
        self.http.headers["Authorization"] = f"Bearer {TOKEN}"

    def __enter__(self) -> Estate:
        try:
            self.kubernetes.wait_ready()
            self.node.wait_ready()
        except ProcessFailed:
            self.stop()
            raise
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.http.close()
        self.node.stop()
        self.kubernetes.stop()

    def set_faults(self, *active: str) -> None:
        for process in (self.kubernetes, self.node):
            process.set_faults(*active)

    def reset(self) -> None:
        """Reset both processes as the supervisor does. Reports that the node sent before are still applied."""
        self.node.request("cluster_resets")
        for process in (self.kubernetes, self.node):
            process.request("reset")

    def node_address(self, index: int) -> str:
        address: str = self.config["nodes"][index]["address"]
        return address

    def get(self, path: str) -> Object:
        return self._checked(self.http.get(self.url + path))

    def find(self, path: str) -> Object | None:
        answer = self.http.get(self.url + path)
        return None if answer.status_code == 404 else self._checked(answer)

    def post(self, path: str, body: Mapping[str, Any]) -> Object:
        return self._checked(self.http.post(self.url + path, json=body))

    def patch(self, path: str, body: Mapping[str, Any]) -> Object:
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._checked(self.http.patch(self.url + path, data=json.dumps(body), headers=headers))

    def delete(self, path: str, **options: Any) -> None:
        self._checked(self.http.delete(self.url + path, json=options))

    def pods(self, selector: str) -> list[Object]:
        items: list[Object] = self.get(f"{PANDA}/pods?labelSelector={selector}")["items"]
        return items

    def open_investigation(self, job_id: str, port: int, *words: str, watched: bool = True) -> None:
        """Create the objects that the Focus Server creates for one investigation."""
        self.post(JOBS, grpc_job(job_id, *words))
        if watched:
            self.post(JOBS, cleanup_job(job_id))
        self.post(f"{PANDA}/services", grpc_service(job_id, port))

    def running_pod(self, job: str) -> Object:
        """Wait until the pod of a job runs, and return it."""
        return self._pod_in(job, "Running")

    def ended_pod(self, job: str, phase: str) -> Object:
        """Wait until the pod of a job is in the phase, and return it."""
        return self._pod_in(job, phase)

    def _pod_in(self, job: str, phase: str) -> Object:
        def holds(pods: dict[str, Object]) -> Object | None:
            mine = (pod for pod in pods.values() if pod["metadata"]["labels"].get("job-name") == job)
            return next((pod for pod in mine if pod["status"].get("phase") == phase), None)

        found: Object = self.wait("pods", f"a pod of {job} is {phase}", holds)
        return found

    def wait_log(self, pod: str, text: str) -> str:
        """Follow the log of a running pod until it contains ``text``, and return it."""
        seen = ""
        url = f"{self.url}{PANDA}/pods/{pod}/log?follow=true"
        with self.http.get(url, stream=True, timeout=60) as answer:
            for piece in answer.iter_content(chunk_size=None):
                seen += piece.decode()
                if text in seen:
                    return seen
        raise AssertionError(f"the log of {pod} ended without {text!r}: {seen}")

    def log(self, pod: str) -> str:
        return self.http.get(f"{self.url}{PANDA}/pods/{pod}/log").text

    def wait(self, plural: str, what: str, holds: Callable[[dict[str, Object]], Any], within_s: float = 60.0) -> Any:
        """Watch all objects of a kind in panda until ``holds`` (of the objects by name) returns a true value, and
        return that."""
        collection = JOBS if plural == "jobs" else f"{PANDA}/{plural}"
        return self._follow(collection, what, holds, within_s)

    def _follow(self, path: str, what: str, holds: Callable[[dict[str, Object]], Any], within_s: float) -> Any:
        listed = self.get(path)
        known = {item["metadata"]["name"]: item for item in listed["items"]}
        if found := holds(known):
            return found
        revision, waiting = listed["metadata"]["resourceVersion"], Stopwatch()
        while (left_s := within_s - waiting.given_s()) > 0:  # the watch is limited in wall time
            parameters = {"watch": "true", "resourceVersion": revision, "timeoutSeconds": str(math.ceil(left_s))}
            with self.http.get(self.url + path, params=parameters, stream=True, timeout=60) as answer:
                for line in answer.iter_lines(chunk_size=None):
                    change = json.loads(line)
                    name = change["object"]["metadata"]["name"]
                    revision = change["object"]["metadata"]["resourceVersion"]
                    known[name] = change["object"]
                    if change["type"] == "DELETED":
                        del known[name]
                    if found := holds(known):
                        return found
        raise AssertionError(f"not within {within_s} s: {what}; there are {sorted(known)}\n{self.node.log_tail()}")

    @staticmethod
    def _checked(answer: requests.Response) -> Object:
        assert answer.status_code < 400, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
        content: Object = answer.json()
        return content


def connect(address: str, port: int, within_s: float = 60.0) -> socket.socket:
    """Connect, and retry until the connection opens."""
    waiting = Stopwatch()
    while True:
        try:
            return socket.create_connection((address, port), timeout=2.0)
        except ConnectionRefusedError:
            if waiting.given_s() > within_s:
                raise


def accepts(address: str, port: int) -> bool:
    """True if a TCP connection opens."""
    with socket.socket() as client:
        client.settimeout(2.0)
        return client.connect_ex((address, port)) == 0


def grpc_job(job_id: str, *more: str, gpu: str = "1") -> Object:
    words = ["/home/prisma/debug-codebase/venv/bin/python", "-m", "baby_analyzer", "--roi", "1", "50"]
    container = {
        "name": "grpc-server", "image": "registry.sandbox/pzlinux:11.0.0", "command": [*words, *more],
        "ports": [{"containerPort": 5000}],
        "resources": {
            "limits": {"nvidia.com/gpu.shared": gpu, "memory": "1Gi"},
            "requests": {"nvidia.com/gpu.shared": gpu, "memory": "512Mi", "cpu": "100m"},
        },
        "volumeMounts": [{"name": "storage", "mountPath": "/prisma/root/recordings"}],
    }  # fmt: skip
    volumes = [{"name": "storage", "persistentVolumeClaim": {"claimName": "storage-san"}}]
    return job("grpc-job", job_id, {"containers": [container], "volumes": volumes}, ttl_s=120)


def cleanup_job(job_id: str, cpu_check: bool = True) -> Object:
    environment = {
        "ENABLE_CPU_USAGE_CHECK": str(cpu_check).lower(), "CPU_USAGE_THRESHOLD": "4", "MAX_CPU_USAGE_COUNT": "5",
    }  # fmt: skip
    container = {
        "name": "cleanup", "image": "registry.sandbox/cleanup-grpc:1.1",
        "env": [{"name": name, "value": value} for name, value in environment.items()],
    }  # fmt: skip
    return job("cleanup-job", job_id, {"containers": [container], "serviceAccountName": "cleanup-sa"}, ttl_s=10)


def job(kind: str, job_id: str, pod: Object, ttl_s: int) -> Object:
    labels = {"app": f"{kind}-{job_id}", "job_id": job_id}
    template = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", **pod}}
    spec = {"backoffLimit": 0, "ttlSecondsAfterFinished": ttl_s, "template": template}
    return {"metadata": {"name": f"{kind}-{job_id}", "labels": labels}, "spec": spec}


def grpc_service(job_id: str, port: int) -> Object:
    labels = {"app": f"grpc-service-{job_id}", "job_id": job_id}
    ports = [{"port": port, "nodePort": port, "targetPort": 5000}]
    spec = {"type": "NodePort", "selector": {"app": f"grpc-job-{job_id}"}, "ports": ports}
    return {"metadata": {"name": f"grpc-service-{job_id}", "labels": labels}, "spec": spec}
