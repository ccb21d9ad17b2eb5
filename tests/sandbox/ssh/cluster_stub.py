"""A few paths of a Kubernetes API server over TLS, to test what kubectl on the target host requests and prints."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Any

from aiohttp import web

from environments.sandbox.shared.certificates import CertificateAuthority

TOKEN = "operator-token"
NEVER_TOLD = "never-told"
"""The name of an object that is never answered."""


def pod(name: str, phase: str = "Running", **labels: str) -> dict[str, Any]:
    running = phase == "Running"
    return {
        "metadata": {"name": name, "namespace": "panda", "uid": f"uid-{name}", "labels": labels},
        "spec": {"nodeName": "worker-node-1"} if running else {},
        "status": {"phase": phase, "containerStatuses": [{"restartCount": 0}]} if running else {"phase": phase},
    }


class ClusterStub:
    """The stub server. ``objects`` maps a plural to its objects by name; ``access`` holds the access data for
    clients."""

    def __init__(self, folder: Path) -> None:
        authority = CertificateAuthority(folder)
        certificate = authority.issue("kubernetes", ["127.0.0.1"])
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.cert_file, certificate.key_file)
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.asked, self.abandoned = threading.Event(), threading.Event()
        self.restore()
        self._loop = asyncio.new_event_loop()
        self._runner = self._loop.run_until_complete(self._serve())
        self.port: int = self._runner.addresses[0][1]
        self.access = {"url": f"https://127.0.0.1:{self.port}", "ca_file": str(authority.ca_file), "token": TOKEN}
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def restore(self) -> None:
        pods = [pod("mongodb-79b869cc7c-vsjd9", app="mongodb"), pod("grpc-job-1-2-abcde", "Pending", job_id="1-2")]
        self.objects = {
            "pods": {item["metadata"]["name"]: item for item in pods},
            "jobs": {"grpc-job-1-2": {"metadata": {"name": "grpc-job-1-2", "namespace": "panda", "uid": "uid-job"}}},
            "deployments": {
                "mongodb": {"metadata": {"name": "mongodb", "namespace": "panda"}, "spec": {"replicas": 1}}
            },
            "statefulsets": {},
            "services": {"mongodb": {"metadata": {"name": "mongodb"}, "spec": {"ports": [{"port": 27017}]}}},
            "nodes": {"worker-node-1": {"metadata": {"name": "worker-node-1"}}},
        }
        self.requests.clear()

    def pause(self) -> None:
        """Stop listening; :meth:`resume` listens on the same port again."""
        asyncio.run_coroutine_threadsafe(next(iter(self._runner.sites)).stop(), self._loop).result()

    def resume(self) -> None:
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        asyncio.run_coroutine_threadsafe(site.start(), self._loop).result()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/version", self._version)
        for root in ("/api/v1", "/apis/batch/v1", "/apis/apps/v1"):
            app.router.add_get(root + "/{plural}", self._list)
            app.router.add_get(root + "/namespaces/{namespace}/{plural}", self._list)
            app.router.add_get(root + "/namespaces/{namespace}/{plural}/{name}", self._get)
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        return runner

    def _object(self, request: web.Request) -> Any:
        self.requests.append(f"{request.method} {request.path_qs}")
        plural, name = request.match_info["plural"], request.match_info["name"]
        if name not in self.objects[plural]:
            message = f'{plural} "{name}" not found'
            status = {"kind": "Status", "reason": "NotFound", "message": message, "code": 404}
            raise web.HTTPNotFound(text=web.json_response(status).text, content_type="application/json")
        return self.objects[plural][name]

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v1.34.1+k3s1"})

    async def _list(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.method} {request.path_qs}")
        items = list(self.objects[request.match_info["plural"]].values())
        selector = request.query.get("labelSelector")
        if selector:
            key, _, value = selector.partition("=")
            items = [item for item in items if item["metadata"].get("labels", {}).get(key) == value]
        if "as=Table" not in request.headers["Accept"]:
            return web.json_response({"kind": "PodList", "apiVersion": "v1", "items": items})
        columns = [{"name": "Name", "priority": 0}, {"name": "Status", "priority": 0}, {"name": "Node", "priority": 1}]
        rows = [
            {
                "cells": [
                    item["metadata"]["name"],
                    item.get("status", {}).get("phase"),
                    item.get("spec", {}).get("nodeName"),
                ],
                "object": {"metadata": item["metadata"]},
            }
            for item in items
        ]
        return web.json_response({"kind": "Table", "columnDefinitions": columns, "rows": rows})

    async def _get(self, request: web.Request) -> web.Response:
        if request.match_info["name"] == NEVER_TOLD:
            self.asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.abandoned.set()
        return web.json_response(self._object(request))
