"""What must stay true whatever a scenario does: the Focus Server neither restarts nor logs errors."""

from __future__ import annotations

from dataclasses import dataclass

from support.clients.kubernetes.client import KubernetesClient, Pod
from support.config import Environment

_LINES = 500
_ERROR = " ERROR "


@dataclass(frozen=True)
class ServerCondition:
    """Restarts by pod, and the last line of each pod's log."""

    restarts: dict[str, int]
    last_lines: dict[str, str]


class AmbientChecks:
    """Compares the Focus Server before and after a scenario; answers the troubles in words."""

    def __init__(self, cluster: KubernetesClient, environment: Environment) -> None:
        self._cluster = cluster
        self._selector = environment.kubernetes.services.focus_server.pod_selector
        self._errors_are_expected = False

    def expect_errors(self) -> None:
        """Until the next :meth:`look`: a server that misses something on purpose says so in its log."""
        self._errors_are_expected = True

    def look(self) -> ServerCondition:
        self._errors_are_expected = False
        pods = self._started()
        logs = {pod.name: self._lines(pod.name) for pod in pods}
        return ServerCondition(
            restarts={pod.name: pod.restarts for pod in pods},
            last_lines={name: lines[-1] for name, lines in logs.items() if lines},
        )

    def troubles_since(self, before: ServerCondition) -> list[str]:
        troubles = []
        for pod in self._started():
            restarted = pod.restarts - before.restarts.get(pod.name, 0)
            if restarted > 0:
                troubles.append(f"{pod.name} was restarted {restarted} times")
            errors = [line for line in self._new_lines(pod.name, before) if _ERROR in line]
            if errors and not self._errors_are_expected:
                troubles.append(f"{pod.name} logged {len(errors)} errors, the first: {errors[0]}")
        return troubles

    def _started(self) -> list[Pod]:
        """A server that has not started has neither been restarted nor written anything."""
        return [pod for pod in self._cluster.pods(label_selector=self._selector) if pod.phase != "Pending"]

    def _new_lines(self, pod_name: str, before: ServerCondition) -> list[str]:
        """Lines written since; a line that is found twice counts where it is found last."""
        lines = self._lines(pod_name)
        last = before.last_lines.get(pod_name)
        for position in range(len(lines) - 1, -1, -1):
            if lines[position] == last:
                return lines[position + 1 :]
        return lines

    def _lines(self, pod_name: str) -> list[str]:
        return self._cluster.pod_log(pod_name, tail_lines=_LINES).splitlines()
