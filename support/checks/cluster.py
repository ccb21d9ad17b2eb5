"""Matchers for the cluster and the Focus Server in it: layer 6."""

from __future__ import annotations

from collections.abc import Callable

from support.checks.matcher import Judged, judged
from support.clients.kubernetes.client import Pod
from support.clients.kubernetes.servers import restarts_of
from support.config import Environment
from support.model.infrastructure import ClusterFacts


def tells_its_version(environment: Environment) -> Judged[ClusterFacts]:
    return judged(
        "a version like v1.34.1", lambda facts: None if facts.version.startswith("v1.") else repr(facts.version)
    )


def has_the_namespace(environment: Environment) -> Judged[ClusterFacts]:
    wanted = environment.kubernetes.namespace
    return judged(
        f"namespace {wanted}",
        lambda facts: None if wanted in facts.namespaces else f"namespaces are {', '.join(facts.namespaces)}",
    )


def has_only_ready_nodes(environment: Environment) -> Judged[ClusterFacts]:
    def mismatch(facts: ClusterFacts) -> str | None:
        not_ready = [node.name for node in facts.nodes if not node.ready]
        return f"not ready: {', '.join(not_ready)}" if not_ready else (None if facts.nodes else "there is no node")

    return judged("nodes that are all Ready", mismatch)


def has_ready_servers(environment: Environment) -> Judged[ClusterFacts]:
    def mismatch(facts: ClusterFacts) -> str | None:
        bad = [f"{pod.name} is {pod.phase}, ready: {pod.ready}" for pod in facts.servers if not _fit(pod)]
        return "; ".join(bad) or (None if facts.servers else "there is no Focus Server")

    return judged("at least one Focus Server, all Running and Ready", mismatch)


def has_steady_servers(environment: Environment) -> Judged[ClusterFacts]:
    most, workload = environment.limits.max_restarts, environment.kubernetes.services.focus_server

    def mismatch(facts: ClusterFacts) -> str | None:
        restarts = {pod.name: restarts_of(pod, workload) for pod in facts.servers}
        bad = [f"{name} was restarted {times} times" for name, times in restarts.items() if times >= most]
        return "; ".join(bad) or (None if facts.servers else "there is no Focus Server")

    return judged(f"fewer than {most} restarts", mismatch)


def has_the_configured_service(environment: Environment) -> Judged[ClusterFacts]:
    wanted = environment.kubernetes.services.focus_server

    def mismatch(facts: ClusterFacts) -> str | None:
        if facts.service is None:
            return f"there is no service {wanted.service}"
        seen = (facts.service.type, [port.port for port in facts.service.ports])
        if seen == (wanted.service_type, [wanted.port]) and facts.service.cluster_ip:
            return None
        return f"service {wanted.service} is of type {seen[0]} with ports {seen[1]} at {facts.service.cluster_ip!r}"

    return judged(f"service {wanted.service} of type {wanted.service_type} on port {wanted.port}", mismatch)


def has_a_readable_log(environment: Environment) -> Judged[ClusterFacts]:
    def mismatch(facts: ClusterFacts) -> str | None:
        if facts.log_trouble:
            return facts.log_trouble
        return None if any(line.strip() for line in facts.log_lines) else "the log of the Focus Server is empty"

    return judged(f"the last lines of the log, up to {environment.limits.log_lines}", mismatch)


def _fit(pod: Pod) -> bool:
    return pod.phase == "Running" and pod.ready


EVERYTHING: tuple[Callable[[Environment], Judged[ClusterFacts]], ...] = (
    tells_its_version,
    has_the_namespace,
    has_only_ready_nodes,
    has_ready_servers,
    has_steady_servers,
    has_the_configured_service,
    has_a_readable_log,
)
"""All checks of the cluster, in the order in which they are made."""
