"""A live copy of the cluster's jobs, pods and services, which records the moment each change was seen.

It uses one watch per kind instead of a poll per object: a change is known within milliseconds and costs the API server
next to nothing.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from support.clients.kubernetes.objects import Job, Pod, Service
from support.clients.kubernetes.watch_feed import Feed, Watched, WatchedCluster, WatchError, version_of

__all__ = ["ClusterWatch", "ComingAndGoing", "Seen", "WatchError"]

TOLERATED_OUTAGE_S = 5.0


@dataclass(frozen=True)
class Seen:
    """One change. ``at_s`` is monotonic and is the moment of receipt.

    ``observed_late`` marks a change found by listing (at the start, or after a gap in the watch): it happened at some
    time before ``at_s``, so this time must not be used to judge a latency.
    """

    number: int
    kind: str
    change: str
    object: Watched
    at_s: float
    observed_late: bool

    @property
    def job_id(self) -> str | None:
        """The investigation it belongs to."""
        return self.object.job_id


class ClusterWatch:
    """Jobs, job pods and services of the namespace, kept up to date by daemon threads. All methods are thread-safe."""

    def __init__(self, cluster: WatchedCluster, tolerated_outage_s: float = TOLERATED_OUTAGE_S) -> None:
        self._changed = threading.Condition()
        self._seen: list[Seen] = []
        self._by_job_id: defaultdict[str, list[Seen]] = defaultdict(list)
        self._objects: dict[str, dict[str, Watched]] = {"job": {}, "pod": {}, "service": {}}
        self._failures: dict[str, WatchError] = {}
        self._feeds = (
            Feed(self, cluster, "job", "jobs", Job.parse, None, tolerated_outage_s),
            Feed(self, cluster, "pod", "pods", Pod.parse, "job-name", tolerated_outage_s),
            Feed(self, cluster, "service", "services", Service.parse, None, tolerated_outage_s),
        )

    def start(self) -> ClusterWatch:
        """List everything once, then watch. When this returns the copy is complete. Raises ``ClusterError``."""
        for feed in self._feeds:
            feed.list()
        for feed in self._feeds:
            feed.start()
        return self

    def stop(self) -> None:
        """End the watches and their threads."""
        for feed in self._feeds:
            feed.stop()
        for feed in self._feeds:
            feed.join()

    def __enter__(self) -> ClusterWatch:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def failure(self) -> WatchError | None:
        """The reason why the copy cannot be trusted now; None while all watches are up."""
        with self._changed:
            return next(iter(self._failures.values()), None)

    def jobs(self) -> dict[str, Job]:
        """The jobs that exist now, by name."""
        with self._changed:
            return {name: item for name, item in self._objects["job"].items() if isinstance(item, Job)}

    def pods(self) -> dict[str, Pod]:
        """The pods of jobs that exist now, by name."""
        with self._changed:
            return {name: item for name, item in self._objects["pod"].items() if isinstance(item, Pod)}

    def services(self) -> dict[str, Service]:
        """The services that exist now, by name."""
        with self._changed:
            return {name: item for name, item in self._objects["service"].items() if isinstance(item, Service)}

    def job(self, name: str) -> Job | None:
        """The job of exactly this name, if it exists now."""
        return self.jobs().get(name)

    def history(self, job_id: str) -> list[Seen]:
        """Return all changes seen of one investigation, in order of receipt."""
        with self._changed:
            return list(self._by_job_id.get(job_id, ()))

    def mark(self) -> int:
        """A number that grows with every change seen."""
        with self._changed:
            return len(self._seen)

    def since(self, mark: int) -> list[Seen]:
        """The changes seen after ``mark``."""
        with self._changed:
            return self._seen[mark:]

    def wait_for_change(self, after: int, timeout_s: float) -> int:
        """Block until a change after mark ``after`` was seen or the time is over. Returns the new mark.

        Raises :class:`WatchError` as soon as a watch is known to be down: changes might then go unseen.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._seen) > after or self._failures, timeout_s)
            if self._failures:
                raise next(iter(self._failures.values()))
            return len(self._seen)

    def note(self, kind: str, change: str, item: Watched, at_s: float, late: bool) -> None:
        """Take in one change (called by the feeds)."""
        with self._changed:
            if change == "DELETED":
                self._objects[kind].pop(item.name, None)
                self._forget_bodies(item)
            else:
                before = self._objects[kind].get(item.name)
                if before is not None and before.uid == item.uid:
                    _forget_body(before)  # hundreds of jobs change a dozen times each; only the last state is needed
                self._objects[kind][item.name] = item
            seen = Seen(len(self._seen) + 1, kind, change, item, at_s, late)
            self._seen.append(seen)
            if item.job_id is not None:
                self._by_job_id[item.job_id].append(seen)
            if change == "DELETED" and item.role != "grpc":
                self._forget_bodies(item, last=True)
            self._changed.notify_all()

    def _forget_bodies(self, gone: Watched, last: bool = False) -> None:
        """Drop the JSON of all states of a deleted object except the last.

        With ``last``, the last is dropped too: no evidence needs it for the clean-up jobs of investigations.
        """
        for earlier in self._by_job_id.get(gone.job_id or "", ()):
            if earlier.object.uid == gone.uid and (last or earlier.object is not gone):
                _forget_body(earlier.object)

    def note_list(self, kind: str, items: Mapping[str, Watched], at_s: float) -> None:
        """Take in a complete list. Differences from the copy are recorded as observed late."""
        with self._changed:
            known = dict(self._objects[kind])
            for name, item in known.items():
                if name not in items or items[name].uid != item.uid:
                    self.note(kind, "DELETED", item, at_s, late=True)
            for name, item in items.items():
                before = known.get(name)
                if before is None or before.uid != item.uid:
                    self.note(kind, "ADDED", item, at_s, late=True)
                elif version_of(before.raw) != version_of(item.raw):
                    self.note(kind, "MODIFIED", item, at_s, late=True)

    def note_failure(self, kind: str, failure: WatchError | None) -> None:
        """Record that a watch is down, or up again."""
        with self._changed:
            if failure is None:
                self._failures.pop(kind, None)
            else:
                self._failures[kind] = failure
            self._changed.notify_all()


class ComingAndGoing:
    """A filter of a watch for added and deleted objects that ``matters`` accepts.

    Code that counts objects need not look again because a pod reports that it runs, or a neighbour opens an
    investigation.
    """

    def __init__(self, watch: ClusterWatch, matters: Callable[[Watched], bool]) -> None:
        self._watch, self._matters = watch, matters

    def mark(self) -> int:
        """Return the mark of the watch."""
        return self._watch.mark()

    def wait_for_change(self, after: int, timeout_s: float) -> int:
        """Block until such an object was added or deleted after mark ``after``, or the time is over.

        Returns the new mark. Raises :class:`WatchError` like the watch.
        """
        until_s = time.monotonic() + timeout_s
        while (left_s := until_s - time.monotonic()) > 0:
            mark = self._watch.wait_for_change(after, left_s)
            if any(seen.change != "MODIFIED" and self._matters(seen.object) for seen in self._watch.since(after)):
                return mark
            after = mark
        return after


def _forget_body(item: Watched) -> None:
    """Reduce the JSON of an object to its metadata. The fields that were read from it stay."""
    object.__setattr__(item, "raw", {"metadata": item.raw["metadata"]})
