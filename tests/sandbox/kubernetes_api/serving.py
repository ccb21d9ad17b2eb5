"""The API server without its controllers, in a thread of the test process, and helpers to talk to it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import trustme

from environments.sandbox.kubernetes.http.server import ApiServer
from environments.sandbox.kubernetes.kubectl.kubelet_client import Kubelet
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.shared.clock import GivenTimeLoop
from tests.sandbox.process_runner import reserve_port

T = TypeVar("T")

TOKEN, NODE_TOKEN = "token-of-the-suite", "token-of-the-node"
HOST = "127.0.0.1"


class ServedApi:
    """A running API server; ``store`` may be touched only through :meth:`call`."""

    def __init__(self, folder: Path) -> None:
        """Its node does not answer."""
        authority = trustme.CA()
        certificate = authority.issue_cert(HOST)
        self.ca_file, cert_file, key_file = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.cert_chain_pems[0].write_to_path(cert_file)
        certificate.private_key_pem.write_to_path(key_file)
        self.log_folder = folder / "pod-logs"
        self.log_folder.mkdir()
        self.store = Store(history=500)
        tokens = {TOKEN: "focus-acceptance", NODE_TOKEN: "system:node"}
        self._server = ApiServer(
            self.store, tokens, self.log_folder, visible=lambda plural, obj: True, version=self.store.version.described,
            kubelet=Kubelet(HOST, reserve_port(), "token"), limit=lambda user, method: None,
            audit_file=folder / "audit.log",
        )  # fmt: skip
        self._loop = GivenTimeLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = self._await(self._server.start(HOST, 0, cert_file, key_file))
        self.url = f"https://{HOST}:{self.port}"
        self.clear()

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function in the server's thread and return its result."""

        async def run() -> T:
            return function(*args, **kwargs)

        result: T = self._await(run())
        return result

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine in the server's event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def next_watch(self) -> asyncio.Event:
        """An event that is set, in the server's loop, once the next client has begun to watch."""
        begun, subscribe = asyncio.Event(), self.store.subscribe

        def subscribe_and_tell(*plurals: str) -> asyncio.Queue[Change]:
            self.store.subscribe = subscribe  # type: ignore[method-assign]  # restored after one use
            queue = subscribe(*plurals)
            begun.set()
            return queue

        self.store.subscribe = subscribe_and_tell  # type: ignore[method-assign]  # the only place a watch passes
        return begun

    def clear(self) -> None:
        """Empty the cluster and create its namespaces."""
        self.call(self.store.clear)
        for name in ("default", "panda"):
            self.call(self.store.create, "namespaces", {"metadata": {"name": name}})

    def stop(self) -> None:
        self._await(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def kubeconfig(self, folder: Path, token: str = TOKEN) -> Path:
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "panda"}}],
        }
        path = folder / f"kubeconfig-{token}"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def job(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "grpc-server", "image": "registry.sandbox/pzlinux:11.0.0", "command": ["sleep"]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"backoffLimit": 0, "template": template, **spec},
    }


def pod(name: str, node: str | None = None, **labels: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "grpc-server", "image": "registry.sandbox/pzlinux:11.0.0"}]}
    if node:
        spec["nodeName"] = node
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def service(name: str, port: int = 5000) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": 5000}]},
    }


def deployment(name: str) -> dict[str, Any]:
    container = {"name": "main", "image": "registry.sandbox/main:1", "env": [{"name": "A", "value": "1"}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def owned_by(owner: dict[str, Any], obj: dict[str, Any]) -> dict[str, Any]:
    """``obj`` with a controller reference to ``owner``."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    obj["metadata"]["ownerReferences"] = [reference]
    return obj


def running(status: dict[str, Any] | None = None) -> dict[str, Any]:
    """The status of a pod whose only container runs."""
    container = {
        "name": "grpc-server",
        "ready": True,
        "restartCount": 0,
        "imageID": "x",
        "image": "registry.sandbox/pzlinux:11.0.0",
        "state": {"running": {"startedAt": "2025-12-07T10:00:00Z"}},
    }
    ready = {"type": "Ready", "status": "True"}
    own = {"phase": "Running", "podIP": "127.0.1.1", "conditions": [ready], "containerStatuses": [container]}
    return {**own, **(status or {})}
