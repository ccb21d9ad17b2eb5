"""Streams of this run's investigations. Each has a client, which connects at once and stays."""

from __future__ import annotations

from support import waits
from support.checks.matcher import judged
from support.clients.focus_server.client import OpenedInvestigation
from support.clients.kubernetes.client import KubernetesClient
from support.config import Environment
from support.investigations.stream_clients import StreamKeeper


class OwnStreams:
    """Connects clients to streams, only on nodes of the cluster, whichever host an answer names."""

    def __init__(self, clients: StreamKeeper, cluster: KubernetesClient, environment: Environment) -> None:
        self._clients, self._environment = clients, environment
        self._node_hosts = frozenset(host for node in cluster.nodes() for host in (node.name, *node.addresses))

    def join(self, opened: OpenedInvestigation | None) -> None:
        """Connect to the stream that an answer names, if its host is a node of the cluster and its port is valid."""
        if opened is not None and opened.stream_host in self._node_hosts and 1 <= opened.stream_port <= 65535:
            within_s = self._environment.limits.deadline("all_open_s")
            self._clients.join(opened.job_id, opened.stream_host, opened.stream_port, within_s)

    def connected_since_s(self, job_id: str) -> float | None:
        """Return the time at which the client was first connected (monotonic); None if it has not been yet."""
        return self._clients.connected_since_s(job_id)

    def is_connected(self, job_id: str) -> bool:
        """Whether the client of this investigation is connected now."""
        return self._clients.is_connected(job_id)

    def hold(self, job_id: str) -> None:
        """Require that the client connects in time and stays connected during the time of observation."""
        limits = self._environment.limits
        connected = judged("a client", lambda streams: None if streams else self._missing(job_id))
        waits.until(
            lambda: self.is_connected(job_id),
            connected,
            within_s=limits.deadline("port_open_s"),
            what=f"the client of job {job_id} to be connected",
        )
        waits.holds(
            lambda: self.is_connected(job_id),
            connected,
            for_s=limits.observation_s,
            what=f"the client of job {job_id} stays connected",
        )

    def _missing(self, job_id: str) -> str:
        was_there = self.connected_since_s(job_id) is not None
        return "the other side has ended the connection" if was_there else "it is not connected"
