"""The Kubernetes process of a sandbox on an external cluster: it manages the sandbox's namespace and its content."""

from __future__ import annotations

import asyncio
import logging
import string
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from environments.sandbox.kubernetes.elsewhere.claim import remove
from environments.sandbox.kubernetes.elsewhere.forwards import Forwards
from environments.sandbox.kubernetes.elsewhere.slices import offer
from environments.sandbox.shared.borrowed import OWNER_LABEL, SLICES_GIVEN
from environments.sandbox.shared.kubernetes_client import KubernetesClient, Object, Refused, Unreachable
from environments.sandbox.shared.process import SandboxProcess

ESTATE = Path(__file__).with_name("estate.yaml")
_RUNNING_WITHIN_S, _REACHED_WITHIN_S = 18.0, 8.0
"""Together shorter than the supervisor's timeout."""
_REACHED = {"app.kubernetes.io/instance": "mongodb"}
_BACKGROUND = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "gracePeriodSeconds": 0}
_STATIC = "app.kubernetes.io/part-of=focus-acceptance"


class BorrowedProcess(SandboxProcess):
    """The process of a sandbox on an external cluster.

    Configuration: ``access``, ``namespace``, ``owner`` (annotations), ``image``, ``slices_for`` (nodes that share the
    number of slices in the setting ``gpu_slices``).
    """

    name = "kubernetes"

    async def start(self) -> Mapping[str, Any]:
        self._forwards: Forwards | None = None
        self._client = KubernetesClient(self.config["access"])
        self._namespace = self.config["namespace"]
        self._given: list[str] = self.config["slices_for"]
        marks = {**self.config["owner"], SLICES_GIVEN: ",".join(self._given)}
        metadata = {"name": self._namespace, "labels": {OWNER_LABEL: "sandbox"}, "annotations": marks}
        await self._client.request("POST", "/api/v1/namespaces", {"metadata": metadata})
        if self._given:
            await offer(self._client, self._given, -(-self.config["settings"]["gpu_slices"] // len(self._given)))
        groups = {group["name"] for group in (await self._client.request("GET", "/apis"))["groups"]}
        for manifest in self.manifests():
            group = manifest["apiVersion"].rpartition("/")[0]
            if not group or group in groups:  # a cluster without RBAC needs no roles: it permits everything
                await self._client.request("POST", self._path(manifest["apiVersion"], manifest["kind"]), manifest)
        await _until(self._not_running, _RUNNING_WITHIN_S)  # running pods show that the jobs' image is available
        if self.config["settings"]["stream_access"] == "port_forward":
            addresses = [node["address"] for node in self.config["nodes"]]
            self._forwards = Forwards(self._client, self._namespace, addresses, self.log)
            self._forwards.start()
        await self._reachable()
        return {"url": self._client.url, "namespace": self._namespace}

    async def stop(self) -> None:
        """Delete the namespace with everything in it."""
        try:
            if self._forwards is not None:
                await self._forwards.stop()
            await offer(self._client, self._given, None)
            await remove(self._client, self._namespace)
        except (Refused, Unreachable) as error:
            self.log.error("the namespace %s may be left on the cluster: %s", self._namespace, error)
        finally:
            await self._client.close()

    async def reset(self) -> None:
        """Delete all jobs, their services and all resource quotas, and restore the config maps."""
        await self._client.request("DELETE", self._path("batch/v1", "Job"), _BACKGROUND)
        await self._client.request("DELETE", self._path("v1", "ResourceQuota"))
        services = self._path("v1", "Service")
        for name in [each["metadata"]["name"] for each in (await self._client.request("GET", services))["items"]]:
            if name.startswith("grpc-service-"):
                await self._client.request("DELETE", f"{services}/{name}")
        for manifest in self.manifests():
            if manifest["kind"] == "ConfigMap":
                path = self._path("v1", "ConfigMap")
                await self._client.request("PUT", f"{path}/{manifest['metadata']['name']}", manifest)

    async def state(self) -> Mapping[str, Any]:
        """Return the number of objects of each kind in the namespace."""
        kinds = {"jobs": ("batch/v1", "Job"), "pods": ("v1", "Pod"), "services": ("v1", "Service")}
        found = {name: await self._client.request("GET", self._path(*kind)) for name, kind in kinds.items()}
        return {"namespace": self._namespace, **{name: len(answer["items"]) for name, answer in found.items()}}

    def manifests(self) -> Iterator[Object]:
        """Yield the manifests of all objects that exist before the first investigation, in the order of creation."""
        names = {"namespace": self._namespace, "image": self.config["image"], "node": self._worker()}
        yield from yaml.safe_load_all(string.Template(ESTATE.read_text(encoding="utf-8")).substitute(names))

    def _worker(self) -> str:
        return str(next(node["address"] for node in self.config["nodes"] if node["role"] == "worker"))

    def _path(self, version: str, kind: str) -> str:
        base = "/api/v1" if version == "v1" else f"/apis/{version}"
        if kind == "PersistentVolume":
            return f"{base}/persistentvolumes"
        return f"{base}/namespaces/{self._namespace}/{kind.lower()}s"

    async def _reachable(self) -> None:
        """Check that a node port leads from this machine to a pod, without which no client could reach its stream."""
        spec = {"type": "NodePort", "selector": _REACHED, "ports": [{"port": 5000}]}
        path = self._path("v1", "Service")
        service = await self._client.request("POST", path, {"metadata": {"name": "reached"}, "spec": spec})
        port, worker = service["spec"]["ports"][0]["nodePort"], self._worker()
        leads = "--set stream_access=port_forward leads there"
        why = f"node port {port} of {worker} cannot be reached from this machine: {leads}"

        async def look() -> list[str]:
            return [] if await _connects(worker, port) else [why]

        await _until(look, _REACHED_WITHIN_S)
        await self._client.request("DELETE", f"{path}/reached")

    async def _not_running(self) -> list[str]:
        """Return the pods of the site's servers that do not run yet, each with the reason."""
        path = self._path("v1", "Pod")
        pods = (await self._client.request("GET", path, parameters={"labelSelector": _STATIC}))["items"]
        wanted = sum(manifest["kind"] in ("Deployment", "StatefulSet") for manifest in self.manifests())
        waiting = [f"{pod['metadata']['name']} {_why(pod)}" for pod in pods if pod["status"].get("phase") != "Running"]
        return waiting or (["not all pods are there"] if len(pods) < wanted else [])


async def _until(look: Callable[[], Awaitable[list[str]]], within_s: float) -> None:
    """Wait until ``look`` returns nothing to wait for. After ``within_s``, log the first entry and exit the process.

    The time is real time, not scaled, like the supervisor's timeout for this process.
    """
    ends_s = time.monotonic() + within_s
    while waiting := await look():
        if time.monotonic() > ends_s:
            logging.getLogger("kubernetes").error("after %g s %s", within_s, waiting[0])
            raise SystemExit(1)
        await asyncio.sleep(0.1)


async def _connects(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _why(pod: Object) -> str:
    """Describe what keeps a pod from running."""
    states = [each.get("state", {}).get("waiting", {}) for each in pod["status"].get("containerStatuses", ())]
    messages = [f"{state['reason']}: {state.get('message', '')}" for state in states if state]
    messages += [each.get("message", "") for each in pod["status"].get("conditions", ()) if each["status"] == "False"]
    return f"is {pod['status'].get('phase')} ({next(iter(messages), 'no reason given')})"
