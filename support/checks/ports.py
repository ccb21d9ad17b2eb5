"""Matchers for stream ports and the services that publish them."""

from __future__ import annotations

from collections.abc import Collection

from support.checks.matcher import Judged
from support.clients.focus_server.client import OpenedInvestigation
from support.clients.kubernetes.client import Pod, Service
from support.model.job_view import JobView


def leads_only_to(view: JobView, pods: Collection[Pod]) -> Judged[Service | None]:
    """Match a service that selects only the pod of this job and targets 5000, the port of the stream."""

    def mismatch(service: Service | None) -> str | None:
        if service is None:
            return f"job {view.job_id} has no service"
        if not service.selector:
            return f"service {service.name} selects nothing"
        found = sorted(pod.name for pod in pods if service.selector.items() <= pod.labels.items())
        if found != [view.pod.name]:
            return f"service {service.name} leads to {', '.join(found) or 'no pod'} instead of {view.pod.name}"
        targets = [str(port.target_port) for port in service.ports]
        return None if targets == ["5000"] else f"service {service.name} leads to container port {', '.join(targets)}"

    return Judged(f"a service that leads to port 5000 of job {view.job_id} only", mismatch)


def publishes(port: int) -> Judged[Service | None]:
    def mismatch(service: Service | None) -> str | None:
        if service is None:
            return "there is no service for it"
        ports = [published.node_port for published in service.ports]
        if service.type == "NodePort" and ports == [port]:
            return None
        return f"service {service.name} of type {service.type} publishes {ports}"

    return Judged(f"a service that publishes port {port} on every node", mismatch)


def have_different_ports() -> Judged[Collection[OpenedInvestigation]]:
    """Match investigations of which no two share a port."""

    def mismatch(investigations: Collection[OpenedInvestigation]) -> str | None:
        if len(investigations) < 2:
            return f"{len(investigations)} investigations are open, which cannot share a port"
        owners: dict[int, list[str]] = {}
        for opened in investigations:
            owners.setdefault(opened.stream_port, []).append(opened.job_id)
        shared = [f"jobs {' and '.join(jobs)} share port {port}" for port, jobs in owners.items() if len(jobs) > 1]
        return "; ".join(shared) or None

    return Judged("a port of its own for each investigation", mismatch)


def owns_its_port_among(services: Collection[Service]) -> Judged[OpenedInvestigation]:
    """Match an investigation whose own service, and no other, publishes its port."""

    def mismatch(opened: OpenedInvestigation) -> str | None:
        port = opened.stream_port
        owners = sorted(one.name for one in services if port in [published.node_port for published in one.ports])
        if owners == [f"grpc-service-{opened.job_id}"]:
            return None
        return f"port {port} of job {opened.job_id} is owned by {', '.join(owners) or 'nobody'}"

    return Judged("a port that only its own service publishes", mismatch)
