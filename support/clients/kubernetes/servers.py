"""The pods of a workload in the states of real clusters: evicted, ended, on a lost node, with several containers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from support.clients.kubernetes.errors import ClusterError
from support.clients.kubernetes.objects import Container, Pod

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class Workload(Protocol):
    """The settings of a service that identify its pods and containers."""

    @property
    def deployment(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def pod_selector(self) -> str: ...
    @property
    def container(self) -> str | None: ...


class Pods(Protocol):
    """The part of the Kubernetes client that is used here."""

    def pods(self, label_selector: str | None = None) -> list[Pod]: ...

    def pod_log(
        self, name: str, tail_lines: int | None = None, container: str | None = None, since: datetime | None = None
    ) -> str: ...


class Servers:
    """The Focus Server's pods and their logs. All methods raise :class:`ClusterError`."""

    def __init__(self, cluster: Pods, workload: Workload) -> None:
        self._cluster, self._workload = cluster, workload

    @property
    def selector(self) -> str:
        """The label selector of its pods."""
        return self._workload.pod_selector

    def pods(self) -> list[Pod]:
        """Return the pods that serve or will serve. An evicted or ended pod stays listed, but no longer serves."""
        return [pod for pod in self.everything() if not pod.is_over]

    def everything(self) -> list[Pod]:
        """Return all pods with the labels, including those that have ended."""
        return self._cluster.pods(label_selector=self._workload.pod_selector)

    def running(self) -> list[Pod]:
        """Return the running pods, whose logs can be read. The state of a pod on a lost node is unknown."""
        return [pod for pod in self.everything() if pod.phase == "Running"]

    def restarts(self, pod: Pod) -> int:
        """Return the number of restarts of the server in a pod."""
        return restarts_of(pod, self._workload)

    def log(self, pod: Pod, tail_lines: int | None = None, since: datetime | None = None) -> str:
        """Return the log of the server in a pod, without those of other containers."""
        container = container_of(pod, self._workload)
        return self._cluster.pod_log(pod.name, tail_lines=tail_lines, container=container, since=since)

    def log_or_reason(self, pod: Pod, tail_lines: int | None = None) -> tuple[str, str | None]:
        """Return the log, or the reason why it cannot be read for a pod that is no longer at work.

        The log of a server at work must be readable.
        """
        try:
            return self.log(pod, tail_lines), None
        except ClusterError as error:
            now = {one.uid: one for one in self.running() if not one.deleting}
            if pod.uid in now:
                raise
            return "", f"the log of {pod.name}, which is no longer at work, cannot be read: {error.message}"


def container_of(pod: Pod, workload: Workload) -> str | None:
    """Return the server's container; None if it is the only one. Raises :class:`ClusterError` if it is ambiguous.

    It is the one the environment names, else the only one with the server's port, else the only one whose name or image
    is the server's, else the pod's default container.
    """
    if workload.container is not None:
        return workload.container
    if len(pod.containers) <= 1:
        return None
    # For example, the deployment is called site-focus-server, and its image registry/focus-server:1.2.
    words = [workload.deployment, "-".join(workload.deployment.split("-")[-2:])]
    rules: tuple[Callable[[Container], bool], ...] = (
        lambda one: workload.port in one.ports,
        lambda one: any(word in (one.name, _repository(one.image)) for word in words),
        lambda one: one.name == pod.annotations.get(_DEFAULT_CONTAINER),
    )
    for rule in rules:
        found = [one.name for one in pod.containers if rule(one)]
        if len(found) == 1:
            return found[0]
    names = ", ".join(one.name for one in pod.containers)
    raise ClusterError(
        f"read the log of pod {pod.name}",
        0,
        f"it has the containers {names}, and none of them is known as the server; "
        "name it in kubernetes.services.focus_server.container",
    )


def restarts_of(pod: Pod, workload: Workload) -> int:
    """Return the restarts of the server's container, without those of a proxy beside it.

    If the server's container is ambiguous, the restarts of all containers are counted.
    """
    try:
        container = container_of(pod, workload)
    except ClusterError:
        container = None
    return pod.restarts if container is None else pod.restarts_by_container.get(container, 0)


def default_container(pod: Pod) -> str | None:
    """Return the container that kubectl would use: the pod's default, else the first; None if it is the only one."""
    if len(pod.containers) <= 1:
        return None
    return pod.annotations.get(_DEFAULT_CONTAINER) or pod.containers[0].name


def _repository(image: str) -> str:
    """Return the last part of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
