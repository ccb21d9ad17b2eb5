"""Relays in front of the services of a sandbox that plant secrets in each answer."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import trustme
import yaml
from aiohttp import ClientError, ClientSession, web

from tests.endings.planted_hosts import PlantedHosts
from tests.endings.planting import (
    BANNER,
    COMPLAINT,
    HEADERS,
    KEY,
    LOGIN,
    OUTPUT,
    PLUGIN,
    into_cluster,
    into_server,
    told,
)

_HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-encoding"})
Plant = Callable[[str, str, bytes], bytes]
T = TypeVar("T")


class Planter:
    """A relay in front of one service over HTTPS."""

    def __init__(self, base: str, trusted: Path, own: trustme.CA, plant: Plant, headers: dict[str, str]) -> None:
        self.real_token = ""
        self._base = urlsplit(base)._replace(path="").geturl()
        self._plant, self._headers = plant, headers
        self._upstream = ssl.create_default_context(cafile=str(trusted))
        self._own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.issue_cert("127.0.0.1").configure_cert(self._own)

    async def start(self) -> int:
        """Start to listen and return the port."""
        self.session = ClientSession(auto_decompress=False)
        application = web.Application(client_max_size=2**30)
        application.router.add_route("*", "/{path:.*}", self._relay)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._own).start()
        return int(self._runner.addresses[0][1])

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        """Relay a request. If either side drops its connection, the other one is dropped too."""
        try:
            return await self._relayed(request)
        except ClientError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    async def _relayed(self, request: web.Request) -> web.StreamResponse:
        url = f"{self._base}{request.raw_path}"
        sent = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        if sent.get("Authorization") == f"Bearer {told('plugin-token')}":
            sent["Authorization"] = f"Bearer {self.real_token}"
        async with self.session.request(
            request.method, url, data=await request.read(), headers=sent, ssl=self._upstream, allow_redirects=False
        ) as answer:
            kind = answer.headers.get("Content-Type", "")
            headers = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP} | self._headers
            if request.query.get("watch") not in ("true", "1"):
                content = self._plant(request.path, kind, await answer.read())
                return web.Response(status=answer.status, body=content, headers=headers)
            stream = web.StreamResponse(status=answer.status, headers=headers)
            await stream.prepare(request)
            async for line in answer.content:
                await stream.write(self._plant(request.path, kind, line))
            return stream


async def _end(planters: list[Planter]) -> None:
    """Cancel all open connections and close the sessions."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=60)
    for planter in planters:
        await planter.session.close()


class Planters:
    """The planters in front of one sandbox. ``content`` is its run file, with their addresses."""

    def __init__(self, run_file: Path, folder: Path) -> None:
        self.content: dict[str, Any] = json.loads(run_file.read_text())
        self._folder = folder
        self._own, self._trusted = trustme.CA(), Path(self.content["focus_server"]["ca_file"])
        self._own.cert_pem.write_to_path(folder / "planters.pem")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._planters: list[Planter] = []

    def lead_through(self) -> None:
        """Put a planter in front of each service for which that is possible."""
        server = self.content["focus_server"]
        server["base_url"] = self._address(self._planter(server["base_url"], into_server, HEADERS), server["base_url"])
        server["ca_file"] = str(self._folder / "planters.pem")
        self._lead_cluster()
        self._lead_hosts()
        properties = f"AWS_SESSION_TOKEN:{told('session')},SERVICE_NAME:x"
        self.content["mongodb"]["uri"] += f"&authMechanismProperties={properties}"

    def _planter(self, base: str, plant: Plant, headers: dict[str, str]) -> Planter:
        self._planters.append(planter := Planter(base, self._trusted, self._own, plant, headers))
        return planter

    def _address(self, planter: Planter, base: str) -> str:
        return urlsplit(base)._replace(netloc=f"127.0.0.1:{self._done(planter.start())}").geturl()

    def _done(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)

    def _lead_cluster(self) -> None:
        kubeconfig = yaml.safe_load(Path(self.content["kubernetes"]["kubeconfig"]).read_text())
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        planter = self._planter(cluster["server"], into_cluster, {})
        planter.real_token = user["token"]
        cluster["server"] = self._address(planter, cluster["server"])
        cluster["certificate-authority-data"] = base64.b64encode(self._own.cert_pem.bytes()).decode()
        kubeconfig["users"][0]["user"] = login_of(self._folder)
        path = self._folder / "planted-kubeconfig"
        path.write_text(json.dumps(kubeconfig))
        self.content["kubernetes"]["kubeconfig"] = str(path)

    def _lead_hosts(self) -> None:
        ssh = self.content["ssh"]
        self._hosts = PlantedHosts(json.loads(json.dumps(ssh)), BANNER, OUTPUT, COMPLAINT)
        ssh["jump"]["port"] = self._done(self._hosts.start())
        known = [
            f"{line} {told('known-hosts')}\n" for line in self._hosts.known_hosts(ssh["jump"]["port"]).splitlines()
        ]
        path = self._folder / "planted-known-hosts"
        path.write_text("".join(known))
        ssh["known_hosts"] = str(path)

    def stop(self) -> None:
        self._done(self._hosts.stop())
        self._done(_end(self._planters))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)


def login_of(folder: Path) -> dict[str, Any]:
    """The user entry of a kubeconfig with all supported login methods."""
    plugin = folder / "planted-plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o700)
    return {
        "username": "me",
        "password": told("kubeconfig"),
        "client-certificate-data": base64.b64encode(LOGIN.cert_chain_pems[0].bytes()).decode(),
        "client-key-data": base64.b64encode(KEY.encode()).decode(),
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "args": ["--client-secret", told("plugin-argument")],
            "env": [{"name": "CLIENT_SECRET", "value": told("plugin-variable")}],
            "interactiveMode": "Never",
        },
    }


@contextmanager
def planted(run_file: Path, folder: Path) -> Iterator[Path]:
    """A run file whose endpoints are relays that plant secrets into the answers of the services."""
    planters = Planters(run_file, folder)
    planters.lead_through()
    (folder / "planted.json").write_text(json.dumps(planters.content))
    try:
        yield folder / "planted.json"
    finally:
        planters.stop()
