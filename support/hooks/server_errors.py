"""The evidence of 5xx answers, collected while the objects of the scenario are still in the cluster.

503 is left out: with it the server reports that something is missing, and its message says what.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from support.capacity.diagnosis.node_room import quantity
from support.capacity.diagnosis.server_errors import ServerErrorEvidence, judge_server_errors, most_at_once
from support.clients.focus_server.answers import ShapeError
from support.clients.focus_server.client import TARGET
from support.clients.journal import Call
from support.clients.kubernetes.client import ClusterError, Node, Pod
from support.clients.kubernetes.estate import PodUsage
from support.clients.kubernetes.servers import Servers
from support.clients.mongodb.client import DatabaseError
from support.world.world import World

_LOG_LINES = 200
_ANSWERS_TOLD = 5
T = TypeVar("T")


@dataclass
class ServerErrors:
    """The 5xx answers of the server since ``since``, and the state of the site at that time.

    ``ended`` are sentences about servers that were restarted or ended meanwhile.
    """

    world: World
    calls: Sequence[Call]
    since: datetime
    ended: Sequence[str]
    _unknown: list[str] = field(default_factory=list)
    _states: list[str] = field(default_factory=list)

    @property
    def answers(self) -> list[Call]:
        mute = [call for call in self.calls if call.target == TARGET and call.answer.startswith("5")]
        return [call for call in mute if not call.answer.startswith("503")]

    def conclude(self) -> tuple[str, list[str]]:
        """Return the conclusion from the evidence, and the lines of the evidence file."""
        evidence = self._evidence()
        sentence = str(judge_server_errors(evidence))
        return sentence, [sentence, *_lines(evidence, self._states)]

    def _evidence(self) -> ServerErrorEvidence:
        settings = self.world.environment.kubernetes.services
        servers = Servers(self.world.cluster.client, settings.focus_server)
        no_pods: list[Pod] = []
        no_nodes: list[Node] = []
        pods = self._asked("the pods of the server", servers.everything, no_pods)
        database = Servers(self.world.cluster.client, settings.mongodb)
        database_pods = self._asked("the pods of MongoDB", database.everything, no_pods)
        usage = self._usage()
        self._states += [_state(pod, usage.get(pod.name)) for pod in (*pods, *database_pods)]
        nodes = self._asked("the nodes", self.world.cluster.client.nodes, no_nodes)
        asked = [call for call in self.calls if call.target == TARGET]
        return ServerErrorEvidence(
            answers=tuple(_told(call) for call in self.answers[:_ANSWERS_TOLD]),
            most_at_once=most_at_once([(call.at.timestamp() - call.duration_s, call.at.timestamp()) for call in asked]),
            log=tuple(self._log(servers, pods)),
            restarted=tuple(self.ended),
            unwell=(*_unwell(pods), *(f"node {node.name} is not ready" for node in nodes if not node.ready)),
            database_unwell=tuple(_unwell(database_pods)),
            warnings=tuple(self._asked("the events", lambda: list(self._warnings()), [])),
            cpu_share=_cpu_share(pods, usage),
            pool_share=self._asked("MongoDB's connections", self._pool_share, None),
            unknown=tuple(self._unknown),
        )

    def _asked(self, what: str, question: Callable[[], T], otherwise: T) -> T:
        try:
            return question()
        except (ClusterError, DatabaseError, ShapeError) as error:
            self._unknown.append(f"{what}: {error}")
            return otherwise

    def _log(self, servers: Servers, pods: Sequence[Pod]) -> Iterator[str]:
        since = self.world.cluster.client.clock.theirs(self.since)
        for pod in pods:
            if pod.phase == "Running":
                read = functools.partial(servers.log, pod, _LOG_LINES, since)
                yield from self._asked(f"the log of {pod.name}", read, "").splitlines()

    def _warnings(self) -> Iterator[str]:
        client = self.world.cluster.client
        start = client.clock.theirs(self.since).replace(microsecond=0)
        for event in client.events():
            if event.type == "Warning" and event.at is not None and event.at >= start:
                yield f"{event.reason} {event.kind}/{event.name}: {event.message}"

    def _usage(self) -> dict[str, PodUsage]:
        """Return the usage by pod; empty if the environment declares no metrics."""
        if "metrics" not in self.world.environment.capabilities:
            return {}
        nobodys: dict[str, PodUsage] = {}
        return self._asked("the use of CPU and memory", self.world.cluster.client.pod_metrics, nobodys)

    def _pool_share(self) -> float | None:
        """Return the share of the database server's connections that is in use; None if it is not reported."""
        found = self.world.recordings.client.command("serverStatus", admin=True).get("connections", {})
        current, available = found.get("current"), found.get("available")
        if not isinstance(current, int) or not isinstance(available, int) or current + available == 0:
            return None
        return current / (current + available)


def _cpu_share(pods: Sequence[Pod], usage: Mapping[str, PodUsage]) -> float | None:
    """Return the CPU use of the busiest server as a share of its limit; None without metrics or a limit."""
    shares = []
    for pod in pods:
        limits = [container.limits.get("cpu") for container in pod.containers]
        if pod.name in usage and limits and None not in limits:
            allowed = sum(quantity(limit) for limit in limits if limit is not None)
            shares.append(usage[pod.name].cpu_millicores / 1000 / allowed if allowed else 0.0)
    return max(shares, default=None)


def _state(pod: Pod, usage: PodUsage | None) -> str:
    used = f", {usage.cpu_millicores:.0f}m CPU, {usage.memory_bytes / 2**20:.0f} MiB" if usage is not None else ""
    return f"{pod.name}: {pod.phase}, {'ready' if pod.ready else 'not ready'}, {pod.restarts} restarts in all{used}"


def _told(call: Call) -> str:
    request, answer = call.request.split("\n", 1)[0], " ".join(call.answer.split())
    return f"{request} was answered {answer[:200]} after {call.duration_s:.2f} s"


def _unwell(pods: Sequence[Pod]) -> Iterator[str]:
    for pod in pods:
        if not pod.is_over and not (pod.phase == "Running" and pod.ready):
            why = pod.waiting_reason or pod.reason
            yield f"pod {pod.name} is {pod.phase} and {'' if pod.ready else 'not '}ready{f': {why}' if why else ''}"


def _lines(evidence: ServerErrorEvidence, states: Sequence[str]) -> Iterator[str]:
    yield f"at most {evidence.most_at_once} requests at once"
    if evidence.cpu_share is not None:
        yield f"CPU of the server: {evidence.cpu_share:.0%} of its limit"
    if evidence.pool_share is not None:
        yield f"connections of MongoDB: {evidence.pool_share:.1%} of those it admits"
    for title, sentences in (
        ("answers", evidence.answers),
        ("pods of the server and of MongoDB", states),
        ("servers that ended meanwhile", evidence.restarted),
        ("not ready", (*evidence.unwell, *evidence.database_unwell)),
        ("warnings of the cluster", evidence.warnings),
        ("not known", evidence.unknown),
        ("log of the server", evidence.log),
    ):
        yield f"{title}:"
        yield from (f"  {sentence}" for sentence in sentences or ("none",))
