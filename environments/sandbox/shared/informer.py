"""A local copy of one kind of object, kept up to date by list and watch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing

from environments.sandbox.shared.defects import end_on_defect
from environments.sandbox.shared.kubernetes_client import KubernetesClient, Object, Refused, Unreachable

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0

Key = tuple[str, str]
Changed = Callable[[Object, bool], None]
Listed = Callable[[float], None]


class Informer:
    """Calls ``changed(object, gone)`` for each difference it learns of; ``objects`` is keyed by namespace and name.

    ``listed`` is called after each list, with the monotonic time at which the list was requested. ``title`` names the
    objects in the log. A watch is renewed after ``watch_s``, so that a silent one is noticed; None never renews it.
    """

    def __init__(
        self, client: KubernetesClient, path: str, changed: Changed, *, title: str, log: logging.Logger,
        listed: Listed | None = None, watch_s: int | None = None,
    ) -> None:  # fmt: skip
        self.objects: dict[Key, Object] = {}
        self.synced = asyncio.Event()
        self._client, self._path, self._watch_s = client, path, watch_s
        self._changed, self._listed = changed, listed
        self._title, self._log = title, log
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow())
        self._task.add_done_callback(end_on_defect)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def resync(self) -> None:
        """Start over with a new list; return once its result has been taken over."""
        await self.stop()
        self.synced.clear()
        self.start()
        await self.synced.wait()

    async def _follow(self) -> None:
        pause_s, lost = SHORTEST_PAUSE_S, True
        while True:
            try:
                revision = await self._list()
                if lost:
                    self._log.info("watching %s in Kubernetes", self._title)
                self.synced.set()
                pause_s, lost = SHORTEST_PAUSE_S, False
                while revision:
                    revision = await self._watch(revision)
            except (Unreachable, Refused) as error:
                if not lost:
                    self._log.warning("lost the watch of %s: %s", self._title, error)
                lost = True
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _list(self) -> str:
        began_s = time.monotonic()
        answer = await self._client.request("GET", self._path)
        present = {_key(item): item for item in answer["items"]}
        for key, old in list(self.objects.items()):
            new = present.get(key)
            if new is None or new["metadata"]["uid"] != old["metadata"]["uid"]:
                self._take(old, gone=True)
        for key, item in present.items():
            known = self.objects.get(key)
            if known is None or known["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._take(item, gone=False)
        if self._listed is not None:
            self._listed(began_s)
        return str(answer["metadata"]["resourceVersion"])

    async def _watch(self, revision: str) -> str:
        """Follow the changes after ``revision`` until the watch ends. Return the revision to continue from, or an empty
        text if a new list is needed."""
        async with aclosing(self._client.watch(self._path, revision, self._watch_s)) as events:
            async for event in events:
                if event["type"] == "ERROR":  # the revision is too old, or the API server gives up
                    return ""
                revision = str(event["object"]["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    self._take(event["object"], gone=event["type"] == "DELETED")
        return revision

    def _take(self, obj: Object, gone: bool) -> None:
        if gone:
            self.objects.pop(_key(obj), None)
        else:
            self.objects[_key(obj)] = obj
        self._changed(obj, gone)


def _key(obj: Object) -> Key:
    return (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
