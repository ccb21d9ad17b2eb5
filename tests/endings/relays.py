"""Relays in front of the services of a sandbox: they record the requests to each and change nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bson
import trustme
import yaml

_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_JOB = re.compile(rb'"job_id": ?"([^"]+)"')
_OP_MSG, _OP_QUERY = 2013, 2004
OPENS = re.compile(r"POST \S*/config\S*")
QUESTIONS = frozenset(
    {
        *("hello", "ismaster", "isMaster", "ping", "saslStart", "saslContinue", "endSessions", "buildInfo"),
        *("find", "getMore", "killCursors", "aggregate", "count", "explain", "listCollections", "listIndexes"),
        *("listDatabases", "serverStatus", "connectionStatus"),
    }
)
"""Commands of MongoDB that change no data."""


class HttpRequests:
    """Parser for the HTTP requests a client sends. It stops at the first bytes of a connection that are not a
    request."""

    def __init__(self) -> None:
        self._bytes, self._body, self._given_up = b"", 0, False

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the method and path of each request whose head is now complete."""
        self._bytes += data
        while not self._given_up:
            passed = min(self._body, len(self._bytes))
            self._bytes, self._body = self._bytes[passed:], self._body - passed
            head, end, rest = self._bytes.partition(b"\r\n\r\n")
            if self._body or not end:
                return
            line, length = _LINE.match(head + b"\r\n"), _LENGTH.search(head)
            if line is None or b"\r\ntransfer-encoding:" in head.lower():
                self._given_up = True
            if line is not None:
                yield f"{line[1].decode()} {line[2].decode()}"
            self._bytes, self._body = rest, int(length[1]) if length else 0


class MongoCommands:
    """Parser for the commands that a MongoDB client sends."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the name of each command that is now complete."""
        self._bytes += data
        while len(self._bytes) >= 16 and len(self._bytes) >= (size := int.from_bytes(self._bytes[:4], "little")):
            message, self._bytes = self._bytes[:size], self._bytes[size:]
            code = int.from_bytes(message[12:16], "little")
            yield self._command(message, code)

    def _command(self, message: bytes, code: int) -> str:
        if code == _OP_QUERY:  # the greeting: flags, a collection name, two numbers
            start = message.index(b"\0", 20) + 9
        else:
            assert code == _OP_MSG and message[20] == 0, f"a message of code {code}"
            start = 21
        end = start + int.from_bytes(message[start : start + 4], "little")
        return next(iter(bson.decode(message[start:end])))


class Relay:
    """One service behind its own port.

    ``asked`` counts requests by method and path, or by command; ``at_once`` is the largest number of simultaneous
    openings.
    """

    def __init__(self, reader: type[HttpRequests | MongoCommands], url: str) -> None:
        self.asked: Counter[str] = Counter()
        self.job_ids: set[str] = set()
        """Ids of the opened investigations, from the answers."""
        self.at_once = 0
        self._reader, self._url = reader, urlsplit(url)
        self._port = self._under_way = 0
        self._tls: tuple[ssl.SSLContext, ssl.SSLContext] | tuple[None, None] = (None, None)

    def encrypted(self, own: trustme.CA, trusted: Path) -> Relay:
        """Use TLS on both sides: with a certificate of ``own`` to the client, and with trust in ``trusted`` to the
        service."""
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.issue_cert("127.0.0.1", "localhost").configure_cert(server)
        self._tls = server, ssl.create_default_context(cafile=str(trusted))
        return self

    async def start(self) -> None:
        server = await asyncio.start_server(self._attend, "127.0.0.1", 0, ssl=self._tls[0])
        self._port = server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        """The address of the service with the relay's host and port."""
        login = self._url.netloc.rpartition("@")[:2]
        return self._url._replace(netloc=f"{''.join(login)}127.0.0.1:{self._port}").geturl()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection(self._url.hostname, self._url.port, ssl=self._tls[1])
        openings: list[str] = []
        await asyncio.gather(
            self._pump(reader, here, self._asking(openings)), self._pump(there, writer, self._answering(openings))
        )

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, note: Any) -> None:
        try:
            while data := await source.read(65536):
                note(data)
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()

    def _asking(self, openings: list[str]) -> Any:
        requests = self._reader()

        def note(data: bytes) -> None:
            for asked in requests.feed(data):
                self.asked[asked] += 1
                if OPENS.fullmatch(asked):
                    openings.append(asked)
                    self._under_way += 1
                    self.at_once = max(self.at_once, self._under_way)

        return note

    def _answering(self, openings: list[str]) -> Any:
        def note(data: bytes) -> None:
            if openings:
                openings.clear()
                self._under_way -= 1
            self.job_ids.update(found.decode() for found in _JOB.findall(data))

        return note


class Relays:
    """Relays in front of Focus Server, Kubernetes and MongoDB, and ``run_file`` with their addresses."""

    def __init__(self, run_file: Path, folder: Path) -> None:
        content = json.loads(run_file.read_text())
        kubeconfig = yaml.safe_load(Path(content["kubernetes"]["kubeconfig"]).read_text())
        cluster = kubeconfig["clusters"][0]["cluster"]
        authority, trusted = trustme.CA(), Path(content["focus_server"]["ca_file"])
        self.server = Relay(HttpRequests, content["focus_server"]["base_url"]).encrypted(authority, trusted)
        self.cluster = Relay(HttpRequests, cluster["server"]).encrypted(authority, trusted)
        self.index = Relay(MongoCommands, content["mongodb"]["uri"])
        self.run_file = folder / "relayed.json"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        for relay in (self.server, self.cluster, self.index):
            asyncio.run_coroutine_threadsafe(relay.start(), self._loop).result(60)
        authority.cert_pem.write_to_path(folder / "relays.pem")
        content["focus_server"] |= {"base_url": self.server.address, "ca_file": str(folder / "relays.pem")}
        cluster["server"] = self.cluster.address
        cluster["certificate-authority-data"] = base64.b64encode(authority.cert_pem.bytes()).decode()
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
        content["kubernetes"]["kubeconfig"] = str(folder / "kubeconfig")
        content["mongodb"]["uri"] = self.index.address
        self.run_file.write_text(json.dumps(content))

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(_end_the_rest(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    @property
    def openings(self) -> int:
        """Requests to the Focus Server that may open an investigation."""
        return sum(number for asked, number in self.server.asked.items() if OPENS.fullmatch(asked))

    @property
    def writes_to_the_cluster(self) -> dict[str, int]:
        """Requests to Kubernetes other than GET, with their number."""
        return {asked: number for asked, number in self.cluster.asked.items() if not asked.startswith("GET ")}

    @property
    def writes_beyond_releases(self) -> list[str]:
        """Writes to the cluster other than the deletion of objects of investigations that the Focus Server opened."""
        own = tuple(re.escape(job_id) for job_id in self.server.job_ids)
        release = re.compile(rf"DELETE /\S+/(?:jobs|services|pods)/[a-z-]*(?:{'|'.join(own)})(?:-[a-z0-9]+)?(?:\?\S*)?")
        return [asked for asked in self.writes_to_the_cluster if not release.fullmatch(asked)]

    @property
    def writes_to_the_index(self) -> list[str]:
        """MongoDB commands that may change data."""
        return sorted(set(self.index.asked) - QUESTIONS)


async def _end_the_rest() -> None:
    """End the connections that clients left open while their loop can still close them."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextmanager
def relays(run_file: Path, folder: Path) -> Iterator[Relays]:
    between = Relays(run_file, folder)
    try:
        yield between
    finally:
        between.stop()
