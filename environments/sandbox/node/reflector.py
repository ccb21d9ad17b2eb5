"""A local copy of one kind of object, kept up to date by list and watch."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

import aiohttp

from environments.sandbox.node.cluster import Cluster, Object, Refused, collection

_AGAIN_AFTER_S = 0.05

log = logging.getLogger("node")


class Reflector:
    """Calls ``changed(object, gone)`` for every difference it learns of; ``objects`` is keyed by namespace and name."""

    def __init__(self, cluster: Cluster, plural: str, changed: Callable[[Object, bool], None]) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self._cluster = cluster
        self._plural = plural
        self._changed = changed
        self._listed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def resync(self) -> None:
        """Begin with a new list, whatever was known; return when it has been taken over."""
        await self.stop()
        self._listed.clear()
        self._task = asyncio.create_task(self._run())
        listed = asyncio.create_task(self._listed.wait())
        await asyncio.wait({self._task, listed}, return_when=asyncio.FIRST_COMPLETED)
        if not self._listed.is_set():
            listed.cancel()
            self._task.result()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self._watch(await self._list())
            except (aiohttp.ClientError, TimeoutError) as error:
                log.info("watch of %s broke (%r); listing again", self._plural, error)
                await asyncio.sleep(_AGAIN_AFTER_S)
            except Refused as error:
                if error.code < 500:
                    raise
                log.warning("%s: %s; listing again", self._plural, error)
                await asyncio.sleep(_AGAIN_AFTER_S)

    async def _list(self) -> str:
        answer = await self._cluster.request("GET", collection(self._plural))
        present = {_key(item): item for item in answer["items"]}
        for key, old in list(self.objects.items()):
            new = present.get(key)
            if new is None or new["metadata"]["uid"] != old["metadata"]["uid"]:
                self._take(old, gone=True)
        for item in present.values():
            known = self.objects.get(_key(item))
            if known is None or known["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._take(item, gone=False)
        self._listed.set()
        return str(answer["metadata"]["resourceVersion"])

    async def _watch(self, revision: str) -> None:
        async with self._cluster.watch(self._plural, revision) as answer:
            if answer.status != 200:
                raise Refused(answer.status, await answer.text())
            async for line in answer.content:
                change = json.loads(line)
                if change["type"] == "ERROR":
                    return
                if change["type"] != "BOOKMARK":
                    self._take(change["object"], gone=change["type"] == "DELETED")

    def _take(self, obj: Object, gone: bool) -> None:
        if gone:
            self.objects.pop(_key(obj), None)
        else:
            self.objects[_key(obj)] = obj
        self._changed(obj, gone)


def _key(obj: Object) -> tuple[str, str]:
    return (obj["metadata"]["namespace"], obj["metadata"]["name"])
