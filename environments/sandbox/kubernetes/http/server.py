"""The API server: TLS, tokens, and the routing of requests to handlers."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http import deleting, discovery, writing
from environments.sandbox.kubernetes.http.access import Access, User
from environments.sandbox.kubernetes.http.answers import (
    error_answer,
    json_answer,
    json_body,
    method_not_allowed,
    no_such_resource,
)
from environments.sandbox.kubernetes.http.audit import AuditLog
from environments.sandbox.kubernetes.http.listing import Visible, list_answer
from environments.sandbox.kubernetes.http.metrics import Metrics
from environments.sandbox.kubernetes.http.node_reports import NodeReports
from environments.sandbox.kubernetes.http.reviews import review
from environments.sandbox.kubernetes.http.roles import Asked, verb_of
from environments.sandbox.kubernetes.http.scaling import scale_of
from environments.sandbox.kubernetes.http.target import ApiPath, Target, parse
from environments.sandbox.kubernetes.http.watching import Watch
from environments.sandbox.kubernetes.kubectl.exec import execute
from environments.sandbox.kubernetes.kubectl.kubelet_client import Kubelet
from environments.sandbox.kubernetes.kubectl.logs import PodLogs
from environments.sandbox.kubernetes.kubectl.port_forward import forward_ports
from environments.sandbox.kubernetes.kubectl.tables import table, wants_table
from environments.sandbox.kubernetes.query import flag
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request, not_found
from environments.sandbox.kubernetes.store.object_store import Store

_LOG = logging.getLogger("kubernetes")
_HEALTH_PATHS = ("/healthz", "/livez", "/readyz")
_STREAMS = {"exec": execute, "portforward": forward_ports}
_REVIEWS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    ("authentication.k8s.io", "selfsubjectreviews"): "SelfSubjectReview",
}
_LARGEST_BODY_BYTES = 3 * 1024 * 1024
_SHUTDOWN_S = 0.1
_BACKLOG = 1024  # 200 clients may connect at once; a full queue would delay them by a second


class ApiServer:
    """Serves a :class:`Store`. ``visible`` hides objects from reads, ``tokens`` maps bearer tokens to user names.

    ``limit`` may refuse a request by its user and method. Requests are logged to ``audit_file``.
    """

    def __init__(
        self,
        store: Store,
        tokens: Mapping[str, str],
        log_folder: Path,
        visible: Visible,
        version: Callable[[], Mapping[str, Any]],
        kubelet: Kubelet,
        limit: Callable[[str, str], None],
        audit_file: Path,
    ) -> None:
        self.metrics = Metrics(store)
        self._node_reports = NodeReports(store, self.metrics)
        self._store = store
        self._access = Access(store, tokens, AuditLog(audit_file))
        self._logs = PodLogs(store, log_folder)
        self._visible = visible
        self._version = version
        self._kubelet = kubelet
        self._limit = limit
        self._address = ""
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, cert_file: Path | str, key_file: Path | str) -> int:
        """Bind and serve. Returns the port, which the system chooses if ``port`` is 0."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert_file, key_file)
        app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=context, reuse_port=True, backlog=_BACKLOG)
        await site.start()
        bound: int = self._runner.addresses[0][1]
        self._address = f"{host}:{bound}"
        return bound

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            user = self._access.authenticated(request)
            self._limit(user.name, request.method)
            return await self._route(request, user)
        except ApiError as error:
            return error_answer(error)
        except RecursionError:
            return error_answer(bad_request("the object is nested too deeply"))

    async def _route(self, request: web.Request, user: User) -> web.StreamResponse:
        path = request.path.rstrip("/") or "/"
        described = self._describe(path)
        if described is not None:
            if request.method not in ("GET", "HEAD"):
                raise method_not_allowed()
            return described
        if self._node_reports.are_at(path):
            return await self._node_reports.serve(request, user, path)
        parsed = parse(path)
        if parsed is None or not discovery.serves(parsed.group, parsed.version):
            return web.Response(text="404 page not found\n", status=404)
        if parsed.group in discovery.VIRTUAL_GROUPS:
            return await self._virtual(request, user, parsed)
        target = parsed.target()
        if target is None:
            raise no_such_resource()
        verb = verb_of(request.method, flag(request, "watch"), target.name)
        self._access.authorize(user, target.asked(verb), request.path)
        return await self._resource(request, target)

    def _describe(self, path: str) -> web.Response | None:
        """Answer discovery, version, health and OpenAPI requests; None for any other path."""
        if path in _HEALTH_PATHS:
            return web.Response(text="ok")
        found = self._version() if path == "/version" else discovery.described(path, self._address)
        return None if found is None else json_answer(found)

    async def _virtual(self, request: web.Request, user: User, path: ApiPath) -> web.Response:
        """Serve the groups whose objects are not stored: measurements and reviews."""
        kind = _REVIEWS.get((path.group, path.parts[0]))
        if kind is not None and len(path.parts) == 1:
            if request.method != "POST":
                raise method_not_allowed()
            return json_answer(review(kind, user, self._access, await json_body(request)), 201)
        if path.group != discovery.METRICS_GROUP or path.parts[0] not in ("pods", "nodes") or len(path.parts) > 2:
            raise no_such_resource()
        if request.method != "GET":
            raise method_not_allowed()
        name = path.parts[1] if len(path.parts) == 2 else None
        asked = Asked(verb_of("GET", False, name), path.group, path.parts[0], path.namespace, name or "")
        self._access.authorize(user, asked, request.path)
        selector = request.query.get("labelSelector", "")
        return json_answer(self.metrics.answer(path.parts[0], path.namespace, name, selector))

    async def _resource(self, request: web.Request, target: Target) -> web.StreamResponse:
        if target.subresource is not None:
            return await self._subresource(request, target)
        if request.method == "GET" and flag(request, "watch"):
            return await Watch(request, self._store, target, self._visible).serve()
        somewhere = target.namespace is not None or not target.resource.namespaced
        match request.method, target.name is not None:
            case "GET", False:
                return list_answer(request, self._store, target, self._visible)
            case "GET", True:
                return self._get(request, target)
            case "POST", False if somewhere:
                return await writing.create(request, self._store, target)
            case "PUT" | "PATCH", True:
                return await writing.update(request, self._store, target)
            case "DELETE", True:
                return await deleting.delete(request, self._store, target)
            case "DELETE", False if somewhere:
                return await deleting.delete_collection(request, self._store, target, self._visible)
        raise method_not_allowed()

    def _get(self, request: web.Request, target: Target) -> web.Response:
        resource = target.resource
        found = self._store.get(resource.plural, target.name or "", target.namespace)
        if not self._visible(resource.plural, found):
            raise not_found(resource, target.name or "")
        if not wants_table(request.headers.get("Accept", "")):
            return json_answer(found)
        metadata = {"resourceVersion": found["metadata"]["resourceVersion"]}
        return json_answer(table(resource, [found], metadata, request.query.get("includeObject", "Metadata")))

    async def _subresource(self, request: web.Request, target: Target) -> web.StreamResponse:
        resource, name, method = target.resource, target.subresource or "", request.method
        if resource.plural == "pods" and name in (*_STREAMS, "attach"):
            return await self._stream(request, target, name)
        if name not in resource.subresources:
            raise no_such_resource()
        match method, name:
            case "POST", "token":
                namespace, account = target.namespace or "", target.name or ""
                return json_answer(self._access.issued.issue(namespace, account, await json_body(request)), 201)
            case "GET", "log":
                return await self._logs.serve(request, self._pod(target))
            case "GET", "status":
                return self._get(request, target)
            case "GET", "scale":
                return json_answer(scale_of(self._store.get(resource.plural, target.name or "", target.namespace)))
            case "PUT" | "PATCH", "status" | "scale":
                return await writing.update(request, self._store, target)
        raise method_not_allowed()

    async def _stream(self, request: web.Request, target: Target, name: str) -> web.StreamResponse:
        if name not in _STREAMS:
            raise ApiError(501, "NotImplemented", f"the pods of the sandbox do not serve {name}")
        if request.method not in ("GET", "POST"):
            raise method_not_allowed()
        return await _STREAMS[name](request, self._kubelet, self._pod(target))

    def _pod(self, target: Target) -> dict[str, Any]:
        return self._store.get("pods", target.name or "", target.namespace)
