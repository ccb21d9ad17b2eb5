"""A fake MongoDB with the few commands a Focus Server sends, over the real wire protocol. It applies no filters.

This is deliberate: Focus Server must itself filter the documents it receives.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Any

import bson
from bson import ObjectId

HEADER = struct.Struct("<iiii")
HELD_AT_MOST_S = 60.0
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
HELLO = {
    "ismaster": True, "isWritablePrimary": True, "helloOk": True, "maxBsonObjectSize": 16777216,
    "maxMessageSizeBytes": 48000000, "logicalSessionTimeoutMinutes": 30,
    "maxWriteBatchSize": 100000, "minWireVersion": 0, "maxWireVersion": 21, "readOnly": False, "ok": 1.0,
}  # fmt: skip


class FakeMongoDb(socketserver.ThreadingTCPServer):
    """The fake MongoDB server. ``collections`` holds the answers to ``find``, by collection name."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.collections: dict[str, list[dict[str, Any]]] = {}
        self.silent = threading.Event()
        """While set, connections are accepted and get no answer."""
        self.ping_s = 0.0
        """Delay of the answer to a ping, in s."""
        self.answers_pings = threading.Event()
        """While not set, a ping gets no answer."""
        self.answers_pings.set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.server_address[1]}/?directConnection=true"

    def store(self, path: str, documents: list[dict[str, Any]], **entry: Any) -> None:
        """Replace all content by one base path with its recordings."""
        base = {"_id": ObjectId(), "base_path": path, "guid": "recordings-of-the-test", **entry}
        self.collections = {"base_paths": [base], "recordings-of-the-test": documents}

    def stop(self) -> None:
        self._stopping.set()
        self.shutdown()
        self.server_close()
        self._thread.join()

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        if name in ("hello", "isMaster", "ismaster"):
            return HELLO
        if name == "find":
            found = self.collections.get(command["find"], [])
            cursor = {"id": bson.Int64(0), "ns": f"prisma.{command['find']}", "firstBatch": found}
            return {"cursor": cursor, "ok": 1.0}
        if name in ("ping", "endSessions"):
            self._stopping.wait(self.ping_s)
            self.answers_pings.wait(HELD_AT_MOST_S)
            return {"ok": 1.0}
        return {"ok": 0.0, "code": 59, "errmsg": f"no such command: {name}"}


class _Connection(socketserver.BaseRequestHandler):
    server: FakeMongoDb

    def handle(self) -> None:
        while header := self._read(HEADER.size):
            length, request_id, _, operation = HEADER.unpack(header)
            body = self._read(length - HEADER.size)
            if self.server.silent.is_set():
                continue
            reply_body = self._reply(operation, body)
            reply_operation = OP_REPLY if operation == OP_QUERY else OP_MSG
            size = HEADER.size + len(reply_body)
            self.request.sendall(HEADER.pack(size, 0, request_id, reply_operation) + reply_body)

    def _reply(self, operation: int, body: bytes) -> bytes:
        if operation == OP_QUERY:
            start = body.index(b"\0", 4) + 1 + 8
            return struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(self.server.answer(bson.decode(body[start:])))
        size = struct.unpack_from("<i", body, 5)[0]
        return struct.pack("<iB", 0, 0) + bson.encode(self.server.answer(bson.decode(body[5 : 5 + size])))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                chunk = self.request.recv(size - len(data))
            except ConnectionError:
                return b""
            if not chunk:
                return b""
            data += chunk
        return data
