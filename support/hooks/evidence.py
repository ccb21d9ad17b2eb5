"""The evidence of a failed scenario: the calls of the suite, and the jobs, events and logs while it ran."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import yaml

from support.clients.journal import Call
from support.clients.kubernetes.client import ClusterError, Pod
from support.clients.kubernetes.servers import Servers
from support.clients.kubernetes.watch import Seen
from support.files import write_atomically
from support.world.world import World

_OBJECTS_KEPT = 30
_PODS_KEPT = 5
_EVENTS_KEPT = 300
_LOG_LINES = 200


class ScenarioWindow:
    """The time since the start of a scenario, as the journal and the watch of the run recorded it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._started = datetime.now(UTC)
        self._journal_mark = world.journal.mark()
        self._watch_mark = world.cluster.watch.mark()

    @property
    def started(self) -> datetime:
        return self._started

    def calls(self) -> list[Call]:
        """Return the calls that the suite has made since the start."""
        return self._world.journal.since(self._journal_mark)

    def keep(self, folder: Path, name: str, title: str) -> list[Path]:
        """Write the evidence files ``<name>.*`` and return their paths.

        The files say what the cluster could not answer.
        """
        folder.mkdir(parents=True, exist_ok=True)
        seen = self._world.cluster.watch.since(self._watch_mark)
        parts = {
            "txt": [f"{name} {title}", *self._calls(seen)],
            "jobs.yaml": list(_descriptions(seen)),
            "events.txt": self._told(self._events),
            "logs.txt": self._told(lambda: self._logs(seen)),
        }
        written = []
        for suffix, lines in parts.items():
            if lines:
                path = folder / f"{name}.{suffix}"
                write_atomically(path, self._world.journal.redact("\n".join(lines)) + "\n")
                written.append(path)
        return written

    def _calls(self, seen: list[Seen]) -> Iterator[str]:
        yield "calls of the suite, in order:"
        yield self._world.journal.text(self._journal_mark)
        yield "seen in the cluster, in order:"
        yield from (f"{one.kind} {one.change} {one.object.name}" for one in seen)

    def _told(self, lines: Callable[[], Iterator[str]]) -> list[str]:
        try:
            return list(lines())
        except ClusterError as error:
            return [f"not known: {error}"]

    def _events(self) -> Iterator[str]:
        """Yield the events since the start. Kubernetes stamps events with whole seconds, by its own clock."""
        clock = self._world.cluster.client.clock
        start = clock.theirs(self._started).replace(microsecond=0)
        if not clock.is_known or clock.seconds:
            yield f"{clock}; events since {start:%H:%M:%S}Z by its clock"
        events = [event for event in self._world.cluster.client.events() if event.at is not None and event.at >= start]
        for event in events[-_EVENTS_KEPT:]:
            yield f"{event.at:%H:%M:%S}Z {event.type} {event.reason} {event.kind}/{event.name}: {event.message}"

    def _logs(self, seen: list[Seen]) -> Iterator[str]:
        """Yield the logs of the Focus Server and of the pods of the scenario, up to :data:`_PODS_KEPT` of them."""
        servers = Servers(self._world.cluster.client, self._world.environment.kubernetes.services.focus_server)
        own = [last.object for last in _last_states(seen).values() if isinstance(last.object, Pod)]
        for pod in servers.everything() + own[:_PODS_KEPT]:
            for container in [one.name for one in pod.containers] if len(pod.containers) > 1 else [None]:
                yield f"pod {pod.name}{f', container {container}' if container else ''}:"
                yield from self._log(pod.name, container)
        if len(own) > _PODS_KEPT:
            yield f"{len(own) - _PODS_KEPT} more pods, whose logs were not kept"

    def _log(self, name: str, container: str | None) -> list[str]:
        client = self._world.cluster.client
        try:
            since = client.clock.theirs(self._started)
            lines = client.pod_log(name, _LOG_LINES, container, since=since).splitlines()
        except ClusterError as error:
            return [f"  not known: {error.message}"]
        return [f"  {line}" for line in lines] or ["  nothing was written"]


def _last_states(seen: list[Seen]) -> dict[str, Seen]:
    return {one.object.name: one for one in seen if one.job_id is not None}


def _descriptions(seen: list[Seen]) -> Iterator[str]:
    """Yield each object of an investigation as it was last seen, in the format of ``kubectl get -o yaml``."""
    last = list(_last_states(seen).values())
    for one in last[:_OBJECTS_KEPT]:
        gone = ", gone since" if one.change == "DELETED" else ""
        yield f"--- # {one.kind} {one.object.name}{gone}"
        content = {key: value for key, value in one.object.raw.items() if key != "metadata"}
        metadata = {key: value for key, value in one.object.raw["metadata"].items() if key != "managedFields"}
        # No line is wrapped, because a secret in two parts would not be recognised.
        yield yaml.safe_dump({"metadata": metadata, **content}, sort_keys=False, width=math.inf).rstrip()
    if len(last) > _OBJECTS_KEPT:
        yield f"# {len(last) - _OBJECTS_KEPT} more objects, which were not kept"
