"""A thread that keeps up the watch of one kind of object until it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from support.clients.kubernetes.api import ClusterError, LineStream, decoded, shaped
from support.clients.kubernetes.objects import Job, Pod, Raw, Service
from support.redaction import shortened

SERVER_TIMEOUT_S = 50
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
STEADY_S = 1.0
"""A watch that lasted less than this is followed by a pause, so that a failing server is not flooded with requests."""

Watched = Job | Pod | Service


class WatchError(Exception):
    """The watch could not be kept up, so its copy may be out of date."""


class WatchedCluster(Protocol):
    """The part of the Kubernetes client the watch needs."""

    def list_raw(self, plural: str, label_selector: str | None = None) -> tuple[list[Raw], str]: ...

    def watch_raw(
        self, plural: str, resource_version: str, server_timeout_s: int, label_selector: str | None = None
    ) -> LineStream: ...


class Sink(Protocol):
    """The receiver of the changes that a feed sees."""

    def note(self, kind: str, change: str, item: Watched, at_s: float, late: bool) -> None: ...

    def note_list(self, kind: str, items: Mapping[str, Watched], at_s: float) -> None: ...

    def note_failure(self, kind: str, failure: WatchError | None) -> None: ...


class _Gap(Exception):
    """The server no longer has the changes after the known version, so the objects must be listed again."""


class Feed(threading.Thread):
    """Keeps one kind up to date. It resumes a watch that the server ends; after a failure, it lists again."""

    def __init__(
        self,
        sink: Sink,
        cluster: WatchedCluster,
        kind: str,
        plural: str,
        parse: Callable[[Raw], Watched],
        label_selector: str | None,
        tolerated_outage_s: float,
    ) -> None:
        super().__init__(name=f"watch {plural}", daemon=True)
        self._sink, self._cluster, self._kind, self._plural = sink, cluster, kind, plural
        self._parse, self._label_selector = parse, label_selector
        self._tolerated_outage_s = tolerated_outage_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._stream: LineStream | None = None
        self._version = ""
        self._listed = False

    def list(self) -> None:
        """Replace the copy by a new list."""
        raws, self._version = self._cluster.list_raw(self._plural, self._label_selector)
        at_s = time.monotonic()
        items = {item.name: item for item in map(self._shaped, raws)}
        self._sink.note_list(self._kind, items, at_s)
        self._listed = True

    def stop(self) -> None:
        """End the thread soon, even while it reads."""
        self._stopping.set()
        with self._lock:
            if self._stream is not None:
                self._stream.close()

    def join(self, timeout: float | None = 2.0) -> None:
        if self.is_alive():
            super().join(timeout)

    def run(self) -> None:
        down_since_s: float | None = None
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            attempt_s = up_until_s = time.monotonic()
            try:
                self._open()
                self._sink.note_failure(self._kind, None)
                down_since_s = None
                try:
                    self._follow()
                finally:
                    up_until_s = time.monotonic()
            except _Gap:
                self._listed = False
            except ClusterError as error:
                self._listed = False
                down_since_s = up_until_s if down_since_s is None else down_since_s
                self._report(error, time.monotonic() - down_since_s)
            except Exception as error:
                # A bug must not end the thread unnoticed: waiting callers get the error; the thread reports it too.
                self._sink.note_failure(self._kind, WatchError(f"the watch of {self._plural} ended: {error!r}"))
                raise
            if time.monotonic() - attempt_s < STEADY_S:
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                pause_s = FIRST_PAUSE_S

    def _open(self) -> None:
        if not self._listed:
            self.list()
        stream = self._cluster.watch_raw(self._plural, self._version, SERVER_TIMEOUT_S, self._label_selector)
        with self._lock:
            self._stream = stream
            if self._stopping.is_set():
                stream.close()

    def _follow(self) -> None:
        if self._stream is None:
            return
        for line in self._stream:
            at_s = time.monotonic()
            if self._stopping.is_set():
                return
            self._take_in(line, at_s)

    def _take_in(self, line: bytes, at_s: float) -> None:
        try:
            event = decoded(line)
            change, raw = event["type"], event["object"]
        except (ValueError, KeyError, TypeError) as error:
            raise ClusterError(f"watch {self._plural}", 200, f"not a watch event: {shortened(line)}") from error
        if change == "ERROR":
            if raw.get("code") == 410:
                raise _Gap
            raise ClusterError(f"watch {self._plural}", int(raw.get("code") or 0), str(raw.get("message")))
        self._version = version_of(raw) or self._version
        if change != "BOOKMARK":
            self._sink.note(self._kind, change, self._shaped(raw), at_s, late=False)

    def _report(self, error: ClusterError, down_s: float) -> None:
        if error.status in (401, 403) or down_s >= self._tolerated_outage_s:
            failure = WatchError(f"the watch of {self._plural} has been down for {down_s:.1f} s: {error}")
            self._sink.note_failure(self._kind, failure)

    def _shaped(self, raw: Raw) -> Watched:
        return shaped(self._parse, raw, f"watch {self._plural}")


def version_of(raw: Raw) -> str:
    """Return the resource version of an object."""
    return str((raw.get("metadata") or {}).get("resourceVersion") or "")
