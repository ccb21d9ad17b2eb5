"""Layer 6: the cluster and the Focus Server in it."""

from __future__ import annotations

from support.clients.kubernetes.client import ClusterError, KubernetesClient, Pod
from support.clients.kubernetes.servers import Servers
from support.config import Environment
from support.model.infrastructure import ClusterFacts


class ClusterExamination:
    """Examination of the cluster at one moment."""

    def __init__(self, cluster: KubernetesClient, environment: Environment) -> None:
        self._cluster = cluster
        self._settings = environment.kubernetes
        self._servers = Servers(cluster, self._settings.services.focus_server)
        self._limits = environment.limits

    def examine(self) -> ClusterFacts:
        servers = self.focus_servers()
        lines, log_error = self._log_of([pod for pod in servers if pod.phase == "Running"])
        services = {service.name: service for service in self._cluster.services()}
        return ClusterFacts(
            version=self._cluster.version(),
            namespaces=tuple(namespace.name for namespace in self._cluster.namespaces()),
            nodes=tuple(self._cluster.nodes()),
            servers=tuple(servers),
            service=services.get(self._settings.services.focus_server.service),
            log_lines=tuple(lines),
            log_trouble=log_error,
        )

    def _log_of(self, running: list[Pod]) -> tuple[list[str], str]:
        """Return the last log lines of the first running server, and the reason if they cannot be read. An unreadable
        log is a finding of its own."""
        if not running:
            return [], "no Focus Server runs"
        try:
            return self._servers.log(running[0], self._limits.log_lines).splitlines(), ""
        except ClusterError as error:
            return [], f"the log of {running[0].name} cannot be read: {error.message}"

    def focus_servers(self) -> list[Pod]:
        """Return the pods that serve or will serve. Evicted and ended pods stay listed in the cluster; they are left
        out, and so are pods that are being deleted."""
        return [pod for pod in self._servers.pods() if not pod.deleting]
