"""State of the cluster while a load stands: collected once, kept as the API returned it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection

from support.capacity.load.results import ClusterEvidence
from support.capacity.load.seen import Phases
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.kubernetes.objects import Raw
from support.clients.kubernetes.servers import Servers
from support.clients.mongodb.client import DatabaseError
from support.config import Environment
from support.model.recording_index import Search

_OF_INVESTIGATION = re.compile(r"(?:grpc|cleanup)-(?:job|service)-([0-9]+-[0-9]+)")


class Collector:
    """Collects the evidence for the report. Unavailable evidence is left out, and ``refusals`` holds the reason.

    Create it before the load: only the part of the Focus Server's log written since then belongs to the load.
    """

    def __init__(self, cluster: KubernetesClient, environment: Environment) -> None:
        self._cluster = cluster
        self._servers = Servers(cluster, environment.kubernetes.services.focus_server)
        self._has_metrics = "metrics" in environment.capabilities
        self._refusals: list[Raw] = []
        self._log_before = {name: len(text) for name, text in self._logs().items()}

    def collect(
        self, phases: Phases, job_ids: Collection[str], search: Callable[[], Search] | None = None
    ) -> ClusterEvidence:
        """Collect everything about these investigations and the cluster they run on. ``search`` asks how the database
        answers a lookup of recordings."""
        return ClusterEvidence(
            pods=phases.objects("pod", job_ids),
            jobs=phases.objects("job", job_ids),
            services=tuple(self._ask("services", lambda: self._cluster.list_raw("services")[0])),
            events=tuple(one for one in self._events() if _concerns(one, job_ids)),
            nodes=tuple(self._ask("nodes", lambda: self._cluster.list_raw_everywhere("nodes"))),
            all_pods=tuple(self._ask("pods of all namespaces", lambda: self._cluster.list_raw_everywhere("pods"))),
            quotas=tuple(self._ask("quotas", lambda: self._cluster.list_raw("resourcequotas")[0])),
            usage=tuple(self._usage()),
            server_log=self._server_log(),
            claims=tuple(self._ask("claims", lambda: self._cluster.list_raw("persistentvolumeclaims")[0])),
            search=None if search is None else self._explained(search),
            refusals=tuple(self._refusals),
        )

    def _explained(self, search: Callable[[], Search]) -> Search | None:
        try:
            return search()
        except DatabaseError as error:
            self._refusals.append(
                {"what": "lookup", "status": 0, "message": str(error), "headers": {}, "at_s": time.monotonic()}
            )
            return None

    def _events(self) -> list[Raw]:
        return self._ask("events", lambda: self._cluster.list_raw("events")[0])

    def _usage(self) -> list[Raw]:
        return self._ask("usage", lambda: self._cluster.list_raw_everywhere("usage")) if self._has_metrics else []

    def _server_log(self) -> str:
        written = self._logs()
        return "".join(text[self._log_before.get(name, 0) :] for name, text in written.items())

    def _logs(self) -> dict[str, str]:
        """Return the log of each Focus Server so far. The key of a restarted pod is new, so all its log counts."""

        def read() -> list[Raw]:
            running = self._servers.running()
            return [{"id": f"{pod.name}-{pod.restarts}", "text": self._servers.log(pod)} for pod in running]

        return {one["id"]: one["text"] for one in self._ask("log of the Focus Server", read)}

    def _ask(self, what: str, question: Callable[[], list[Raw]]) -> list[Raw]:
        try:
            return question()
        except ClusterError as error:
            self._refusals.append(
                {"what": what, "status": error.status, "message": str(error), "headers": {}, "at_s": time.monotonic()}
            )
            return []


def _concerns(event: Raw, job_ids: Collection[str]) -> bool:
    """Whether an event is about one of these investigations, or about none (a node, a quota, the server)."""
    about = event.get("involvedObject") or event.get("regarding") or {}
    found = _OF_INVESTIGATION.match(str(about.get("name", "")))
    return found is None or found.group(1) in job_ids
