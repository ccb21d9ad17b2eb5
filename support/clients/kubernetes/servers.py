"""The pods of a workload as clusters have them: evicted, ended, on a lost node, with several containers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from support.clients.kubernetes.errors import ClusterError
from support.clients.kubernetes.objects import Container, Pod

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class Workload(Protocol):
    """The part of the settings of a service that tells its pods and containers."""

    @property
    def deployment(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def pod_selector(self) -> str: ...
    @property
    def container(self) -> str | None: ...


class Pods(Protocol):
    """What is used of the Kubernetes client."""

    def pods(self, label_selector: str | None = None) -> list[Pod]: ...

    def pod_log(
        self, name: str, tail_lines: int | None = None, container: str | None = None, since: datetime | None = None
    ) -> str: ...


class Servers:
    """The Focus Server's pods and what they write. Every method raises :class:`ClusterError`."""

    def __init__(self, cluster: Pods, workload: Workload) -> None:
        self._cluster, self._workload = cluster, workload

    @property
    def selector(self) -> str:
        """The labels by which its pods are found."""
        return self._workload.pod_selector

    def pods(self) -> list[Pod]:
        """Those that serve or will: a pod that was evicted or has ended stays listed, and serves nobody."""
        return [pod for pod in self.everything() if not pod.is_over]

    def everything(self) -> list[Pod]:
        """Everything that carries the labels, dead or alive."""
        return self._cluster.pods(label_selector=self._workload.pod_selector)

    def running(self) -> list[Pod]:
        """Those whose log can be asked for: of a pod on a lost node nobody knows what it does."""
        return [pod for pod in self.everything() if pod.phase == "Running"]

    def restarts(self, pod: Pod) -> int:
        """How often the server in a pod was restarted."""
        return restarts_of(pod, self._workload)

    def log(self, pod: Pod, tail_lines: int | None = None, since: datetime | None = None) -> str:
        """What the server in a pod wrote. Other containers beside it do not count."""
        container = container_of(pod, self._workload)
        return self._cluster.pod_log(pod.name, tail_lines=tail_lines, container=container, since=since)

    def log_or_reason(self, pod: Pod, tail_lines: int | None = None) -> tuple[str, str | None]:
        """The log, or why a pod that is no longer at work has none; of a server at work it must be readable."""
        try:
            return self.log(pod, tail_lines), None
        except ClusterError as error:
            now = {one.uid: one for one in self.running() if not one.deleting}
            if pod.uid in now:
                raise
            return "", f"the log of {pod.name}, which is no longer at work, cannot be read: {error.message}"


def container_of(pod: Pod, workload: Workload) -> str | None:
    """The container that is the server; None where there is no other. :class:`ClusterError` when that is unclear.

    It is the one the environment names, else the only one with the server's port, else the only one whose name or image
    is the server's, else the one the pod calls its default.
    """
    if workload.container is not None:
        return workload.container
    if len(pod.containers) <= 1:
        return None
    # A deployment is called site-focus-server, its image registry/focus-server:1.2.
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
    """Of the container that is the server: a proxy beside it may restart. Of all of them where that is unclear."""
    try:
        container = container_of(pod, workload)
    except ClusterError:
        container = None
    return pod.restarts if container is None else pod.restarts_by_container.get(container, 0)


def default_container(pod: Pod) -> str | None:
    """The container kubectl would ask: the one the pod calls its default, else the first; None for the only one."""
    if len(pod.containers) <= 1:
        return None
    return pod.annotations.get(_DEFAULT_CONTAINER) or pod.containers[0].name


def _repository(image: str) -> str:
    """The last part of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
