"""Parts of the product that can be taken away: its workloads, by the words the features use for them."""

from __future__ import annotations

from dataclasses import dataclass

from support.clients.kubernetes.client import Deployment, KubernetesClient, Pod
from support.config import Environment
from support.config.models import ServiceSettings

MONGODB, RABBITMQ, SERVER = "MongoDB", "RabbitMQ", "the server"


@dataclass(frozen=True)
class Part:
    """One workload. ``word`` is its name in figures."""

    name: str
    word: str
    kind: str
    workload: str
    selector: str

    @classmethod
    def of(cls, name: str, word: str, service: ServiceSettings) -> Part:
        return cls(name, word, service.workload_kind, service.deployment, service.pod_selector)


class Parts:
    """The parts of one environment, and their state in the cluster."""

    def __init__(self, cluster: KubernetesClient, environment: Environment) -> None:
        services = environment.kubernetes.services
        self._cluster = cluster
        self._parts = {
            MONGODB: Part.of(MONGODB, "mongodb", services.mongodb),
            RABBITMQ: Part.of(RABBITMQ, "rabbitmq", services.rabbitmq),
            SERVER: Part.of(SERVER, "focus_server", services.focus_server),
        }

    def named(self, name: str) -> Part:
        """Return the part of this name. Raises :class:`LookupError`, which lists the known names."""
        if name not in self._parts:
            raise LookupError(f"no part of the product is known as {name!r}; known are: {', '.join(self._parts)}")
        return self._parts[name]

    def workload(self, part: Part) -> Deployment:
        """Return the workload as the cluster has it now. Raises :class:`AssertionError` if it does not exist."""
        found = self._cluster.stateful_sets() if part.kind == "StatefulSet" else self._cluster.deployments()
        for workload in found:
            if workload.name == part.workload:
                return workload
        raise AssertionError(f"the cluster has no {part.kind} {part.workload}, although the environment names it")

    def pods(self, part: Part) -> list[Pod]:
        return self._cluster.pods(label_selector=part.selector)
