"""The state of Focus Server's own objects in the cluster, kept up to date by watching."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from environments.sandbox.focus_server.kubernetes import Kubernetes, KubernetesAway, KubernetesRefused

WATCHED_KINDS = ("Job", "Service")
OWN_PREFIXES = ("grpc-job-", "cleanup-job-", "grpc-service-")
OWN_NAME = re.compile(rf"(?:{'|'.join(OWN_PREFIXES)})(\d+)-(\d+)")


def slot_of(name: str) -> int | None:
    """The slot that an object of an investigation occupies; None for a foreign object."""
    match = OWN_NAME.fullmatch(name)
    return int(match.group(1)) if match else None


class ClusterView:
    """The names of the investigations' objects that exist now.

    An object counts from the moment it is created here until the watch reports its deletion, so that its slot is never
    assigned in between.
    """

    def __init__(self, kubernetes: Kubernetes, log: logging.Logger, on_gone: Callable[[str], None]) -> None:
        self._on_gone = on_gone
        self._shown: dict[str, set[str]] = {kind: set() for kind in WATCHED_KINDS}
        self._unseen: dict[str, float] = {}
        self._news = asyncio.Event()
        self._informers = [
            kubernetes.informer(kind, log, partial(self._changed, kind), partial(self._settle, kind))
            for kind in WATCHED_KINDS
        ]

    def start(self) -> None:
        for informer in self._informers:
            informer.start()

    async def wait_synced(self) -> None:
        """Block until every kind has been listed once."""
        for informer in self._informers:
            await informer.synced.wait()

    async def stop(self) -> None:
        for informer in self._informers:
            await informer.stop()

    def exists(self, name: str) -> bool:
        return name in self._unseen or any(name in names for names in self._shown.values())

    def job_ids(self) -> list[str]:
        """Job ids of the investigations whose job exists, sorted by slot."""
        names = {*self._shown["Job"], *(name for name in self._unseen if name.startswith("grpc-job-"))}
        ids = [name.removeprefix("grpc-job-") for name in names if name.startswith("grpc-job-")]
        return sorted(ids, key=lambda job_id: tuple(map(int, job_id.split("-"))))

    def busy_slots(self) -> set[int]:
        """Slots with at least one existing object."""
        names = [*self._unseen, *(name for names in self._shown.values() for name in names)]
        return {slot for name in names if (slot := slot_of(name)) is not None}

    def services_without_job(self) -> int:
        """The number of services whose job is gone: each occupies a port without use."""
        names = (name.removeprefix("grpc-service-") for name in self._shown["Service"] if _is_service(name))
        return sum(1 for job_id in names if not self.exists(f"grpc-job-{job_id}"))

    def incomplete(self) -> list[str]:
        """Job ids for which only some of the three objects exist."""
        names = {name for names in self._shown.values() for name in names}
        found = {f"{match[1]}-{match[2]}" for match in map(OWN_NAME.fullmatch, names) if match is not None}
        return sorted(job_id for job_id in found if not all(prefix + job_id in names for prefix in OWN_PREFIXES))

    def expect(self, name: str) -> None:
        """Note an object that is about to be created here."""
        self._unseen[name] = math.inf

    def created(self, name: str) -> None:
        """Note that an expected object was created; the watch may not have reported it yet."""
        if name in self._unseen:
            self._unseen[name] = time.monotonic()

    def forget(self, name: str) -> None:
        """Forget an expected object that was not created."""
        self._unseen.pop(name, None)
        self._news.set()

    def deleted(self, name: str) -> None:
        """Note a deletion made here. If it was unknown whether the object had been created, it is gone now; for all
        others the watch reports the deletion."""
        if self._unseen.get(name) == math.inf:
            self.forget(name)

    async def until_gone(self, names: Iterable[str]) -> None:
        """Block until none of these names counts any more."""
        for name in names:
            while self.exists(name):
                self._news.clear()
                await self._news.wait()

    def forget_all(self) -> None:
        """Forget all expected objects: none is on its way to the cluster."""
        self._unseen.clear()
        self._news.set()

    def _settle(self, kind: str, listed_s: float) -> None:
        """Forget objects that were created before the list was requested and are not in it: they are gone."""
        for name, since_s in list(self._unseen.items()):
            if since_s < listed_s and (kind == "Service") == _is_service(name):
                del self._unseen[name]
                self._news.set()
                self._on_gone(name)

    def _changed(self, kind: str, obj: Mapping[str, Any], gone: bool) -> None:
        name = obj["metadata"]["name"]
        if slot_of(name) is None:
            return
        self._unseen.pop(name, None)
        if gone:
            self._shown[kind].discard(name)
            self._news.set()
            self._on_gone(name)
        else:
            self._shown[kind].add(name)


def _is_service(name: str) -> bool:
    return name.startswith("grpc-service-")


class ConfigMapReader:
    """The server's own configuration, read from its ConfigMap each time it is needed.

    Simultaneous requests share one call, but never one that began before they asked: a change is in effect for each
    request sent after it.
    """

    def __init__(self, kubernetes: Kubernetes, name: str) -> None:
        self._kubernetes, self._name = kubernetes, name
        self._last: Mapping[str, str] = {}
        self._running: asyncio.Task[Mapping[str, str]] | None = None
        self._next: asyncio.Task[Mapping[str, str]] | None = None

    async def current(self) -> Mapping[str, str]:
        """The current data of the ConfigMap."""
        if self._running is None or self._running.done():
            self._running, self._next = asyncio.create_task(self._read(None)), None
            return await asyncio.shield(self._running)
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._read(self._running))
        return await asyncio.shield(self._next)

    async def latest(self) -> Mapping[str, str]:
        """The current data, or the last known data while the API is unavailable."""
        try:
            return await self.current()
        except (KubernetesAway, KubernetesRefused):
            if not self._last:
                raise
            return self._last

    async def _read(self, after: asyncio.Task[Mapping[str, str]] | None) -> Mapping[str, str]:
        if after is not None:
            await asyncio.wait([after])
            self._running, self._next = asyncio.current_task(), None
        answer = await self._kubernetes.read("ConfigMap", self._name)
        self._last = answer.get("data") or {}
        return self._last
