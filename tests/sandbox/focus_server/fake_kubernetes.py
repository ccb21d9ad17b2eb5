"""A fake Kubernetes API with only what a Focus Server reads and creates."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from environments.sandbox.shared.certificates import Certificate

Object = dict[str, Any]
Refusal = tuple[int, str]


class FakeKubernetes:
    """The fake API server, in its own thread.

    ``refuse`` may answer a creation with an error. ``away`` breaks connections. Watches report a deletion ``late_s``
    after it.
    """

    def __init__(self, certificate: Certificate) -> None:
        self.objects: dict[str, dict[str, Object]] = defaultdict(dict)
        self.created: list[str] = []
        self.refuse: Callable[[Object], Refusal | None] = lambda manifest: None
        self.away = False
        self.late_s = 0.0
        self.port = 0
        self._version = 1
        self._watchers: dict[str, list[asyncio.Queue[Object]]] = defaultdict(list)
        self._certificate = certificate
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def put(self, plural: str, name: str, **content: Any) -> None:
        self._call(self._store, plural, {"metadata": {"name": name}, **content})

    def remove(self, plural: str, name: str) -> None:
        self._call(self._remove, plural, name)

    def names(self, plural: str) -> list[str]:
        return sorted(self.objects[plural])

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        async def run() -> None:
            function(*arguments)

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application(middlewares=[self._gate])
        for path in ("/apis/batch/v1", "/api/v1"):
            collection = path + "/namespaces/panda/{plural}"
            application.add_routes(
                [
                    web.get(collection, self._list),
                    web.post(collection, self._create),
                    web.get(collection + "/{name}", self._read),
                    web.delete(collection + "/{name}", self._delete),
                ]
            )
        application.add_routes([web.get("/api/v1/{plural:nodes|pods}", self._list)])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.cert_file, self._certificate.key_file)
        runner = web.AppRunner(application, access_log=None)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer token-of-the-test"
        if self.away and request.transport is not None:
            request.transport.abort()
            raise ConnectionResetError
        response: web.StreamResponse = await handler(request)
        return response

    async def _list(self, request: web.Request) -> web.StreamResponse:
        plural = request.match_info["plural"]
        if request.query.get("watch") != "true":
            items = list(self.objects[plural].values())
            return web.json_response({"metadata": {"resourceVersion": str(self._version)}, "items": items})
        queue: asyncio.Queue[Object] = asyncio.Queue()
        self._watchers[plural].append(queue)
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            change = await queue.get()
            await asyncio.sleep(self.late_s if change["type"] == "DELETED" else 0.0)
            await response.write(json.dumps(change).encode() + b"\n")

    async def _create(self, request: web.Request) -> web.Response:
        manifest = await request.json()
        refusal = self.refuse(manifest)
        if refusal is not None:
            return _status(*refusal)
        plural, name = request.match_info["plural"], manifest["metadata"]["name"]
        if name in self.objects[plural]:
            return _status(409, f'{plural} "{name}" already exists')
        self.created.append(name)
        self._store(plural, manifest)
        return web.json_response(manifest, status=201)

    async def _read(self, request: web.Request) -> web.Response:
        plural, name = request.match_info["plural"], request.match_info["name"]
        stored = self.objects[plural].get(name)
        return web.json_response(stored) if stored else _status(404, f'{plural} "{name}" not found')

    async def _delete(self, request: web.Request) -> web.Response:
        plural, name = request.match_info["plural"], request.match_info["name"]
        if name not in self.objects[plural]:
            return _status(404, f'{plural} "{name}" not found')
        self._remove(plural, name)
        return web.json_response({"status": "Success"})

    def _store(self, plural: str, manifest: Object) -> None:
        metadata = {"uid": f"uid-{self._version}", **manifest["metadata"], "resourceVersion": str(self._version + 1)}
        stored = self.objects[plural][metadata["name"]] = {**manifest, "metadata": metadata}
        self._tell(plural, "ADDED", stored)

    def _remove(self, plural: str, name: str) -> None:
        self._tell(plural, "DELETED", self.objects[plural].pop(name))

    def _tell(self, plural: str, kind: str, stored: Mapping[str, Any]) -> None:
        self._version += 1
        for queue in self._watchers[plural]:
            queue.put_nowait({"type": kind, "object": dict(stored)})


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "status": "Failure", "code": code, "message": message}, status=code)
