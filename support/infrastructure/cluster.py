"""Layer 6: the cluster and the Focus Server in it."""

from __future__ import annotations

from dataclasses import dataclass

from support.checks.matcher import Judged, judged
from support.clients.kubernetes.client import KubernetesClient, Node, Pod, Service
from support.clients.kubernetes.servers import Servers
from support.config import Environment


@dataclass(frozen=True)
class ClusterFacts:
    """The cluster at one moment. ``servers`` are the pods of the Focus Server."""

    version: str
    namespaces: tuple[str, ...]
    nodes: tuple[Node, ...]
    servers: tuple[Pod, ...]
    service: Service | None
    log_lines: tuple[str, ...]


class ClusterExamination:
    """One look at the cluster, and what must be true of it."""

    def __init__(self, cluster: KubernetesClient, environment: Environment) -> None:
        self._cluster = cluster
        self._settings = environment.kubernetes
        self._servers = Servers(cluster, self._settings.services.focus_server)
        self._limits = environment.limits

    def examine(self) -> ClusterFacts:
        servers = self.focus_servers()
        running = [pod for pod in servers if pod.phase == "Running"]
        lines = self._servers.log(running[0], self._limits.log_lines).splitlines() if running else []
        services = {service.name: service for service in self._cluster.services()}
        return ClusterFacts(
            version=self._cluster.version(),
            namespaces=tuple(namespace.name for namespace in self._cluster.namespaces()),
            nodes=tuple(self._cluster.nodes()),
            servers=tuple(servers),
            service=services.get(self._settings.services.focus_server.service),
            log_lines=tuple(lines),
        )

    def focus_servers(self) -> list[Pod]:
        """Those that serve or will; what was evicted or has ended stays listed and is none."""
        return self._servers.pods()

    def tells_its_version(self) -> Judged[ClusterFacts]:
        return judged(
            "a version like v1.34.1", lambda facts: None if facts.version.startswith("v1.") else repr(facts.version)
        )

    def has_the_namespace(self) -> Judged[ClusterFacts]:
        wanted = self._settings.namespace
        return judged(
            f"namespace {wanted}",
            lambda facts: None if wanted in facts.namespaces else f"namespaces are {', '.join(facts.namespaces)}",
        )

    def has_only_ready_nodes(self) -> Judged[ClusterFacts]:
        def trouble(facts: ClusterFacts) -> str | None:
            not_ready = [node.name for node in facts.nodes if not node.ready]
            return f"not ready: {', '.join(not_ready)}" if not_ready else (None if facts.nodes else "there is no node")

        return judged("nodes that are all Ready", trouble)

    def has_ready_servers(self) -> Judged[ClusterFacts]:
        def trouble(facts: ClusterFacts) -> str | None:
            bad = [f"{pod.name} is {pod.phase}, ready: {pod.ready}" for pod in facts.servers if not _fit(pod)]
            return "; ".join(bad) or (None if facts.servers else "there is no Focus Server")

        return judged("at least one Focus Server, all Running and Ready", trouble)

    def has_steady_servers(self) -> Judged[ClusterFacts]:
        most = self._limits.max_restarts

        def trouble(facts: ClusterFacts) -> str | None:
            bad = [f"{pod.name} was restarted {pod.restarts} times" for pod in facts.servers if pod.restarts >= most]
            return "; ".join(bad) or (None if facts.servers else "there is no Focus Server")

        return judged(f"fewer than {most} restarts", trouble)

    def has_the_configured_service(self) -> Judged[ClusterFacts]:
        wanted = self._settings.services.focus_server

        def trouble(facts: ClusterFacts) -> str | None:
            if facts.service is None:
                return f"there is no service {wanted.service}"
            seen = (facts.service.type, [port.port for port in facts.service.ports])
            if seen == (wanted.service_type, [wanted.port]) and facts.service.cluster_ip:
                return None
            return f"service {wanted.service} is of type {seen[0]} with ports {seen[1]} at {facts.service.cluster_ip!r}"

        return judged(f"service {wanted.service} of type {wanted.service_type} on port {wanted.port}", trouble)

    def has_a_readable_log(self) -> Judged[ClusterFacts]:
        return judged(
            f"the last lines of the log, up to {self._limits.log_lines}",
            lambda facts: (
                None if any(line.strip() for line in facts.log_lines) else "the log of the Focus Server is empty"
            ),
        )

    def everything(self) -> tuple[Judged[ClusterFacts], ...]:
        """All of it, in the order in which to look."""
        return (
            self.tells_its_version(),
            self.has_the_namespace(),
            self.has_only_ready_nodes(),
            self.has_ready_servers(),
            self.has_steady_servers(),
            self.has_the_configured_service(),
            self.has_a_readable_log(),
        )


def _fit(pod: Pod) -> bool:
    return pod.phase == "Running" and pod.ready
