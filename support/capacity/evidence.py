"""What the cluster shows while a load stands: collected once, kept as the API gave it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from support.capacity.phases import Phases
from support.capacity.results import ClusterEvidence
from support.clients.kubernetes import ClusterError, KubernetesClient
from support.clients.kubernetes_objects import Raw
from support.config import Environment

LOG_LINES = 5000
"""Of each Focus Server, from the end: a load of 200 writes about 800 lines."""


class Collector:
    """Collects for the report. What cannot be had is missing there, and why is among the ``refusals``."""

    def __init__(self, cluster: KubernetesClient, environment: Environment) -> None:
        self._cluster = cluster
        self._selector = environment.kubernetes.services.focus_server.pod_selector
        self._has_metrics = "metrics" in environment.capabilities
        self._refusals: list[Raw] = []

    def collect(self, phases: Phases, job_ids: Collection[str]) -> ClusterEvidence:
        """Everything about these investigations, and what they stand on."""
        services = [one for one in self._ask("services", lambda: self._cluster.list_raw("services")[0])]
        return ClusterEvidence(
            pods=phases.objects("pod", job_ids),
            jobs=phases.objects("job", job_ids),
            services=tuple(services),
            events=tuple(self._ask("events", lambda: self._cluster.list_raw("events")[0])),
            nodes=tuple(self._ask("nodes", lambda: self._cluster.list_raw_everywhere("nodes"))),
            all_pods=tuple(self._ask("pods of all namespaces", lambda: self._cluster.list_raw_everywhere("pods"))),
            quotas=tuple(self._ask("quotas", lambda: self._cluster.list_raw("resourcequotas")[0])),
            usage=tuple(self._usage()),
            server_log=self._server_log(),
            refusals=tuple(self._refusals),
        )

    def _usage(self) -> list[Raw]:
        return self._ask("usage", lambda: self._cluster.list_raw_everywhere("usage")) if self._has_metrics else []

    def _server_log(self) -> str:
        lines: list[Raw] = []

        def read() -> list[Raw]:
            pods = self._cluster.pods(label_selector=self._selector)
            return [{"text": self._cluster.pod_log(pod.name, LOG_LINES)} for pod in pods if pod.phase != "Pending"]

        lines = self._ask("log of the Focus Server", read)
        return "".join(str(each["text"]) for each in lines)

    def _ask(self, what: str, question: Callable[[], list[Raw]]) -> list[Raw]:
        try:
            return question()
        except ClusterError as error:
            self._refusals.append(
                {"what": what, "status": error.status, "message": str(error), "headers": {}, "at_s": time.monotonic()}
            )
            return []
