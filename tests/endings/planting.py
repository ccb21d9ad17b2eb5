"""Services that tell secrets in every answer: relays in front of a sandbox that plant them.

Whatever is planted has ``pl4nted`` in it and the name of its place, so that it is found wherever it comes out.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
import shlex
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import trustme
import yaml
from aiohttp import ClientError, ClientSession, web
from yarl import URL

MARK = "pl4nted"
KNOWN = f"{MARK}:/kn0wn@\"'&<ü> %s+"
"""A password that the suite is told of, with every sign that somebody might write in another way."""
_HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-encoding"})
Plant = Callable[[URL, str, bytes], bytes]


def told(place: str) -> str:
    """A secret that nobody tells the suite of, for one place."""
    return f"{MARK}-{place}-0123456789"


def written(secret: str) -> list[str]:
    """The ways in which a secret may be written, by whatever writes it."""
    once = json.dumps(secret)
    twice = json.dumps({"a": json.dumps({"b": secret})})
    percent = quote(secret, safe="")
    padded = [base64.b64encode(b"x" * shift + secret.encode() + b"y").decode() for shift in range(3)]
    return [
        *(secret, repr(secret), once, json.dumps(secret, ensure_ascii=False), twice, json.dumps(twice)),
        *(yaml.safe_dump({"a": secret}), yaml.safe_dump({"a": secret}, allow_unicode=True, default_style="'")),
        *(percent, percent.lower().replace("mark", MARK), quote(secret), quote_plus(secret), quote(percent, safe="")),
        *(html.escape(secret), html.escape(secret, quote=False), html.escape(once), shlex.quote(secret)),
        *(f"curl -u me:{secret}", f"mongodb://me:{percent}@h:1/", f"amqp://me:{secret}@h/"),
        *(base64.b64encode(f"me:{secret}".encode()).decode(), base64.urlsafe_b64encode(secret.encode()).decode()),
        *padded,
        *(secret.encode().hex(), secret.encode().hex().upper()),
    ]


def hidden_forms() -> list[bytes]:
    """What no output may hold: the mark as it is, in hexadecimal, and in base64 wherever it begins."""
    forms = [MARK.encode(), MARK.encode().hex().encode(), MARK.encode().hex().upper().encode()]
    for shift in range(3):
        # Six bits make a letter: those at the edges hold bits of what stands before and after.
        first, end = -(-shift * 8 // 6), (shift + len(MARK)) * 8 // 6
        forms.append(base64.b64encode(b"\0" * shift + MARK.encode() + b"\0\0")[first:end])
    return forms


SPELLINGS = " ".join(written(KNOWN))


def into_cluster(url: URL, kind: str, content: bytes) -> bytes:
    """Into every pod, event, configuration and log."""
    if url.path.endswith("/log"):
        return content + "".join(f"INFO {line}\n" for line in _log_lines()).encode()
    if "json" not in kind or not content.strip():
        return content
    return json.dumps(_planted(json.loads(content))).encode() + b"\n" * content.endswith(b"\n")


def _log_lines() -> Iterator[str]:
    yield from (line for text in written(KNOWN) for line in text.splitlines())
    yield f"connecting with Authorization: Bearer {told('bearer')} and x-api-key: {told('log-key')}"
    yield f"AWS_SECRET_ACCESS_KEY={told('log-variable')} passphrase: {told('log-passphrase')}"
    yield f"curl --user me:{told('log-curl')} https://h/ ; amqp://me:{told('log-url')}@broker/"


def _planted(value: Any) -> Any:
    if isinstance(value, list):
        return [_planted(item) for item in value]
    if not isinstance(value, dict):
        return value
    planted = {key: _planted(item) for key, item in value.items()}
    if "containers" in planted:
        for container in planted["containers"]:
            container["env"] = [
                {"name": "DB_PASSWORD", "value": told("env")},
                {"name": "AWS_SECRET_ACCESS_KEY", "value": told("env-key")},
                *([{"name": "NOTE", "value": SPELLINGS}] if planted.get("restartPolicy") == "Never" else []),
            ]
    if "reason" in planted and "message" in planted and "involvedObject" in planted:
        planted["message"] += f" token={told('event')} {SPELLINGS}"
    if planted.get("kind") == "ConfigMap":
        planted["data"]["credentials"] = f"password: {told('configuration')}"
        settings = planted["data"].get("default_config.py", "")
        if MARK not in settings:  # it may be what was planted and written back
            planted["data"]["default_config.py"] = settings + f'password = "{told("settings")}"\n'
    return planted


def into_server(url: URL, kind: str, content: bytes) -> bytes:
    """Into every answer of the Focus Server that is an object, and into its words."""
    answer = json.loads(content) if "json" in kind and content else None
    if not isinstance(answer, dict):
        return content
    answer["connection"] = f"rtsp://me:{told('answer')}@recorder/"
    for key in ("message", "detail", "error"):
        if isinstance(answer.get(key), str):
            answer[key] += f"; password={told('message')}; {SPELLINGS}"
    return json.dumps(answer).encode()


HEADERS = {
    "Set-Cookie": f"session={told('cookie')}; Path=/",
    "X-Api-Key": told("header"),
    "Authorization": f"Bearer {told('authorization')}",
}


class Planter:
    """A relay in front of one service over HTTPS."""

    def __init__(self, base: str, trusted: Path, own: trustme.CA, plant: Plant, headers: dict[str, str]) -> None:
        self._base, self._plant, self._headers = URL(base).origin(), plant, headers
        self._upstream = ssl.create_default_context(cafile=str(trusted))
        self._own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.issue_cert("127.0.0.1").configure_cert(self._own)

    async def start(self) -> int:
        """The port it answers on."""
        self.session = ClientSession(auto_decompress=False)
        application = web.Application(client_max_size=2**30)
        application.router.add_route("*", "/{path:.*}", self._relay)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._own).start()
        return int(self._runner.addresses[0][1])

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        """Who has gone, on either side, is gone on the other side too."""
        try:
            return await self._relayed(request)
        except ClientError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    async def _relayed(self, request: web.Request) -> web.StreamResponse:
        url = URL(f"{self._base}{request.raw_path}", encoded=True)
        sent = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        async with self.session.request(
            request.method, url, data=await request.read(), headers=sent, ssl=self._upstream, allow_redirects=False
        ) as answer:
            kind = answer.headers.get("Content-Type", "")
            headers = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP} | self._headers
            if request.query.get("watch") not in ("true", "1"):
                content = self._plant(url, kind, await answer.read())
                return web.Response(status=answer.status, body=content, headers=headers)
            stream = web.StreamResponse(status=answer.status, headers=headers)
            await stream.prepare(request)
            async for line in answer.content:
                await stream.write(self._plant(url, kind, line))
            return stream


async def _end(planters: list[Planter]) -> None:
    """Of every connection, whatever goes on there."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=5)
    for planter in planters:
        await planter.session.close()


@contextmanager
def planted(run_file: Path, folder: Path) -> Iterator[Path]:
    """A run file that leads through relays which plant secrets into what Focus Server and Kubernetes answer."""
    content = json.loads(run_file.read_text())
    kubeconfig = yaml.safe_load(Path(content["kubernetes"]["kubeconfig"]).read_text())
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    own, trusted = trustme.CA(), Path(content["focus_server"]["ca_file"])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    planters: list[Planter] = []

    def address(base: str, plant: Plant, headers: dict[str, str]) -> str:
        planters.append(planter := Planter(base, trusted, own, plant, headers))
        port = asyncio.run_coroutine_threadsafe(planter.start(), loop).result(10)
        return str(URL(base).with_host("127.0.0.1").with_port(port))

    own.cert_pem.write_to_path(folder / "planters.pem")
    server = content["focus_server"]["base_url"]
    content["focus_server"] = {
        "base_url": address(server, into_server, HEADERS),
        "ca_file": str(folder / "planters.pem"),
    }
    cluster["server"] = address(cluster["server"], into_cluster, {})
    cluster["certificate-authority-data"] = base64.b64encode(own.cert_pem.bytes()).decode()
    user |= {"username": "me", "password": told("kubeconfig")}
    (folder / "planted-kubeconfig").write_text(json.dumps(kubeconfig))
    content["kubernetes"]["kubeconfig"] = str(folder / "planted-kubeconfig")
    known_hosts = Path(content["ssh"]["known_hosts"]).read_text()
    (folder / "planted-known-hosts").write_text(
        "".join(f"{line} {told('known-hosts')}\n" for line in known_hosts.splitlines())
    )
    content["ssh"]["known_hosts"] = str(folder / "planted-known-hosts")
    (folder / "planted.json").write_text(json.dumps(content))
    try:
        yield folder / "planted.json"
    finally:
        asyncio.run_coroutine_threadsafe(_end(planters), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
