"""Checks made after every scenario: the Focus Server must neither restart nor log errors."""

from __future__ import annotations

from dataclasses import dataclass

from support.clients.kubernetes.client import KubernetesClient, Pod
from support.clients.kubernetes.servers import Servers
from support.config import Environment

_LINES = 500
_ERROR = " ERROR "


@dataclass(frozen=True)
class ServerCondition:
    """Restarts by pod, and the last line of each pod's log."""

    restarts: dict[str, int]
    last_lines: dict[str, str]


class AmbientChecks:
    """Compares the Focus Server before and after a scenario and describes the failures it finds.

    Only the logs of running pods are read. If a pod ends meanwhile, its log may be unreadable: this is no failure but a
    remark, reported once.
    """

    def __init__(self, cluster: KubernetesClient, environment: Environment) -> None:
        self._servers = Servers(cluster, environment.kubernetes.services.focus_server)
        self._remarks: dict[str, bool] = {}
        self._errors_are_expected = False

    def expect_errors(self) -> None:
        """Allow errors in the log until the next :meth:`look`: a server that lacks something on purpose logs errors."""
        self._errors_are_expected = True

    def look(self) -> ServerCondition:
        self._errors_are_expected = False
        pods = self._servers.running()
        logs = {pod.name: self._lines(pod, _LINES) for pod in pods}
        if not pods:
            blind = f"no pod with the labels {self._servers.selector} runs"
            self._remark(f"{blind}: whether the Focus Server restarts or logs errors is not seen")
        return ServerCondition(
            restarts={pod.name: self._servers.restarts(pod) for pod in pods},
            last_lines={name: lines[-1] for name, lines in logs.items() if lines},
        )

    def troubles_since(self, before: ServerCondition) -> list[str]:
        troubles = []
        for pod in self._servers.everything():
            if pod.is_over and not pod.deleting and pod.name in before.restarts:
                troubles.append(f"{pod.name} has ended: {pod.reason or pod.phase}")
            if pod.phase != "Running":
                continue
            restarted = self._servers.restarts(pod) - before.restarts.get(pod.name, 0)
            if restarted > 0:
                troubles.append(f"{pod.name} was restarted {restarted} times")
            errors = [line for line in self._new_lines(pod, before) if _ERROR in line]
            if errors and not self._errors_are_expected:
                troubles.append(f"{pod.name} logged {len(errors)} errors, the first: {errors[0]}")
        return troubles

    def _remark(self, text: str) -> None:
        """Record a remark once. A check that sees nothing finds no failure, so the run must say what was not seen."""
        self._remarks.setdefault(text, False)

    def new_remarks(self) -> list[str]:
        """Return the remarks not yet reported in this run: checks that were impossible, which is no failure."""
        new = [text for text, reported in self._remarks.items() if not reported]
        self._remarks |= dict.fromkeys(new, True)
        return new

    def _new_lines(self, pod: Pod, before: ServerCondition) -> list[str]:
        """Return the lines written since ``before``. If the last known line occurs twice, its last occurrence counts.

        If the last lines do not reach back to the known line, the whole log is read, because an error before them would
        be missed.
        """
        last = before.last_lines.get(pod.name)
        for amount in (_LINES, None):
            lines = self._lines(pod, amount)
            for position in range(len(lines) - 1, -1, -1):
                if lines[position] == last:
                    return lines[position + 1 :]
            if len(lines) < _LINES:
                break
        return lines

    def _lines(self, pod: Pod, amount: int | None) -> list[str]:
        text, reason = self._servers.log_or_reason(pod, amount)
        if reason is not None:
            self._remark(reason)
        elif not text.strip():
            self._remark(f"the log of {pod.name} is empty: whether it logs errors is not seen")
        return text.splitlines()
