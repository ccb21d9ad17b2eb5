"""Watch requests."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http.answers import JSON
from environments.sandbox.kubernetes.http.listing import Visible, selection
from environments.sandbox.kubernetes.http.target import Target
from environments.sandbox.kubernetes.kubectl.tables import table, wants_table
from environments.sandbox.kubernetes.query import flag, number
from environments.sandbox.kubernetes.store.errors import ApiError
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.kubernetes.store.selectors import Predicate, everything
from environments.sandbox.shared.clock import after_wall_s
from environments.sandbox.shared.json_text import encode

_LONGEST_S = 3600
_BOOKMARK_EVERY_S = 10.0
_GATHERED_S = 0.01
"""The pause after each write to a watcher, during which further changes are collected. A single change is sent at once.
In a burst, one write per change would cost the server and the watchers more than the content itself."""


class Watch:
    """One client's watch of one kind: its initial objects, and the events it receives for later changes."""

    def __init__(self, request: web.Request, store: Store, target: Target, visible: Visible) -> None:
        self._request = request
        self._store = store
        self._target = target
        self._resource = target.resource
        self._bookmarks = flag(request, "allowWatchBookmarks")
        self._table = wants_table(request.headers.get("Accept", ""))
        namespace, name = target.namespace, target.name
        self._selected: Predicate | None = everything(
            (lambda obj: obj["metadata"].get("namespace") == namespace) if namespace else None,
            (lambda obj: obj["metadata"]["name"] == name) if name else None,
            selection(request, target, visible),
        )

    async def serve(self) -> web.StreamResponse:
        """Answer until the client leaves or ``timeoutSeconds`` have passed, in real time as the client counts it."""
        timeout_s = number(self._request, "timeoutSeconds")
        over = after_wall_s(_LONGEST_S if timeout_s is None else min(timeout_s, _LONGEST_S))
        queue = self._store.subscribe(self._resource.plural)
        try:
            first = self._first_lines()
            response = web.StreamResponse(headers={"Content-Type": JSON})
            response.enable_chunked_encoding()
            await response.prepare(self._request)
            with contextlib.suppress(ConnectionResetError):  # the client has left
                if first:
                    await response.write(first)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None) as limit:
                        over.add_done_callback(partial(_end, limit))
                        await self._follow(response, queue)
                await response.write_eof()
        except ApiError as error:
            return await self._failed(error)
        finally:
            over.cancel()
            self._store.unsubscribe(queue)
        return response

    async def _failed(self, error: ApiError) -> web.StreamResponse:
        """Report an expired revision as an event in the stream, any other error as an ordinary answer."""
        if error.code != 410:
            raise error
        line = encode({"type": "ERROR", "object": error.status()}) + b"\n"
        return web.Response(body=line, headers={"Content-Type": JSON})

    def _first_lines(self) -> bytes:
        revision = self._request.query.get("resourceVersion", "")
        if revision in ("", "0") or flag(self._request, "sendInitialEvents"):
            present = self._store.latest(self._resource.plural, self._target.namespace)
            lines = [self._line("ADDED", change) for change in present if self._passes(change.object)]
            if flag(self._request, "sendInitialEvents") and self._bookmarks:
                lines.append(self._bookmark({"k8s.io/initial-events-end": "true"}))
            return b"".join(lines)
        since = number(self._request, "resourceVersion") or 0
        return b"".join(map(self._seen, self._store.changes_since(self._resource.plural, since)))

    async def _follow(self, response: web.StreamResponse, queue: asyncio.Queue[Change]) -> None:
        while True:
            try:
                async with asyncio.timeout(_BOOKMARK_EVERY_S):
                    lines = [self._seen(await queue.get())]
            except TimeoutError:
                if self._bookmarks:
                    await response.write(self._bookmark())
                continue
            while not queue.empty():
                lines.append(self._seen(queue.get_nowait()))
            if data := b"".join(lines):
                await response.write(data)
                await asyncio.sleep(_GATHERED_S)

    def _passes(self, obj: dict[str, Any] | None) -> bool:
        return obj is not None and (self._selected is None or self._selected(obj))

    def _seen(self, change: Change) -> bytes:
        """Return the line for a change, empty if the watch does not cover it.

        An object that enters the selection is reported as added, one that leaves it as deleted.
        """
        before = change.type != "ADDED" and self._passes(change.previous)
        if change.type == "DELETED":
            return self._line("DELETED", change) if before else b""
        now = self._passes(change.object)
        if now:
            return self._line("MODIFIED" if before else "ADDED", change)
        return self._line("DELETED", _as_it_left(change)) if before else b""

    def _line(self, kind: str, change: Change) -> bytes:
        if self._table:
            include = self._request.query.get("includeObject", "Metadata")
            metadata = {"resourceVersion": str(change.revision)}
            body = encode(table(self._resource, [change.object], metadata, include))
        else:
            body = change.encoded
        return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"

    def _bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(self._store.revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        kind = {"kind": self._resource.kind, "apiVersion": self._resource.api_version}
        if self._table:
            kind = {"kind": "Table", "apiVersion": "meta.k8s.io/v1"}
        return encode({"type": "BOOKMARK", "object": {**kind, "metadata": metadata}}) + b"\n"


def _end(limit: asyncio.Timeout, over: asyncio.Future[None]) -> None:
    """End a watch whose time has passed, unless the client has left before."""
    with contextlib.suppress(RuntimeError):  # the client left in the same turn of the loop
        if not over.cancelled():
            limit.reschedule(0.0)


def _as_it_left(change: Change) -> Change:
    """Return the object as it last was in the selection, with the revision of the change that removed it."""
    before = change.previous or change.object
    metadata = {**before["metadata"], "resourceVersion": change.object["metadata"]["resourceVersion"]}
    return Change("DELETED", change.plural, {**before, "metadata": metadata}, change.revision)
