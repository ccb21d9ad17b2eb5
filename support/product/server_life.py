"""Restarting the Focus Server and watching it come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support import waits
from support.checks.matcher import Judged
from support.checks.server import (
    Outcome,
    are_ready,
    is_alive,
    says_what_is_wrong_with_the_configuration,
)
from support.clients.change_journal import Changes
from support.clients.focus_server.client import ConnectionFailed, FocusServerClient
from support.clients.kubernetes.client import KubernetesClient, Pod
from support.clients.kubernetes.servers import Servers
from support.config import Environment
from support.product.server_configuration import SETTINGS, ServerConfiguration

RESTART, SERVER_SETTINGS = "restart", "server_settings"


@dataclass(frozen=True)
class Restart:
    """One restart: the uids of the servers that existed before it, and how many must replace them."""

    ended: frozenset[str]
    amount: int


class ServerLife:
    """Restarts servers: deletes the pod of each, which the cluster replaces. Needs the permission to disrupt."""

    def __init__(
        self,
        client: FocusServerClient,
        cluster: KubernetesClient,
        configuration: ServerConfiguration,
        environment: Environment,
        changes: Changes,
    ) -> None:
        self._changes = changes
        self._client = client
        self._cluster = cluster
        self._configuration = configuration
        self._limits = environment.limits
        self._servers = Servers(cluster, environment.kubernetes.services.focus_server)

    @property
    def answers_within_s(self) -> float:
        """Seconds within which a health check must be answered, whatever else is going on."""
        return self._limits.ack_concurrent_p95_ms / 1000

    def restart(self) -> Restart:
        """Delete every server and return at once. The other methods observe what follows, and the end of the scenario
        waits for a server that answers."""
        self._changes.begin(RESTART, "the Focus Server is restarted")
        return self._end_every_server()

    def _end_every_server(self) -> Restart:
        pods = waits.until(
            self._pods,
            Judged("a server", lambda found: None if _staying(found) else "there is no server"),
            within_s=self._limits.deadline("pod_new_s"),
            what="a server to restart",
        )
        for pod in _staying(pods):
            self._cluster.delete_pod(pod.name)
        return Restart(frozenset(pod.uid for pod in pods), len(_staying(pods)))

    def wait_until_ready(self, restart: Restart) -> list[Pod]:
        """Wait until the servers that replace the deleted ones are ready and answer, each within its deadline."""
        pods = waits.until(
            lambda: self._new(restart),
            are_ready(restart.amount),
            within_s=self._limits.deadline("pod_ready_s"),
            what="the restarted server to be ready",
        )
        self._wait_until_alive(self._limits.deadline("server_answers_s"))
        return pods

    def restart_and_wait(self) -> Restart:
        restart = self.restart()
        self.wait_until_ready(restart)
        return restart

    def recover(self, undo: Mapping[str, Any]) -> None:
        """Wait after a restart until the server works again, even if late, so that what follows finds it working."""
        self._wait_until_alive(self._back_within_s)

    def put_back_settings(self, undo: Mapping[str, Any]) -> None:
        """Put the settings back, and restart the server unless they were right already and it answers."""
        were_right = self._configuration.settings() == undo["value"]
        self._configuration.put_back(undo)
        # A run may have ended after it put the settings back and before it restarted the server with them.
        if not (were_right and self._comes_back()):
            self._end_every_server()
        self.recover(undo)

    def _comes_back(self) -> bool:
        alive = is_alive(self.answers_within_s)
        silent = waits.settle(
            lambda: [] if alive.matches(self.asked_whether_alive()) else ["silent"], within_s=self._back_within_s
        )
        return not silent

    @property
    def _back_within_s(self) -> float:
        """Seconds within which a restarted server must work again."""
        return self._limits.deadline("pod_ready_s") + self._limits.deadline("server_answers_s")

    def start_broken(self) -> tuple[str, Restart]:
        """Start the server with a broken configuration, then put the configuration back in any case.

        Returns the log of the broken server, and the restart that repaired it.
        """
        before = self._configuration.settings()
        what = "the Focus Server is started with settings that it cannot load"
        self._changes.begin(SERVER_SETTINGS, what, key=SETTINGS, value=before)
        try:
            self._configuration.break_settings()
            log = self._log_after(self._end_every_server())
        finally:
            self._configuration.set_settings(before)
            mending = self._end_every_server()
        return log, mending

    def log(self, restart: Restart) -> str:
        """Return what the new servers have written since they started; nothing for one that has not started."""
        started = [pod for pod in self._new(restart) if pod.phase not in ("Pending", "Unknown")]
        return "".join(self._servers.log_or_reason(pod)[0] for pod in started)

    def asked_whether_alive(self, timeout_s: float | None = None) -> Outcome:
        """Send one health check. A server that does not answer is a valid outcome."""
        try:
            return self._client.request("GET", "/ack", read_timeout_s=timeout_s or self.answers_within_s)
        except ConnectionFailed as failure:
            return failure

    def hold_answering(self) -> None:
        """Require that the server answers every health check during the time of observation."""
        waits.holds(
            self.asked_whether_alive,
            is_alive(self.answers_within_s),
            for_s=self._limits.observation_s,
            what="the server goes on answering",
        )

    def _log_after(self, restart: Restart) -> str:
        """Return the log of a server that may never be ready: as soon as it names its problem, or at the deadline."""
        wanted = says_what_is_wrong_with_the_configuration()
        waits.settle(
            lambda: [] if wanted.matches(self.log(restart)) else ["silence"],
            within_s=self._limits.deadline("server_answers_s"),
        )
        return self.log(restart)

    def _wait_until_alive(self, within_s: float) -> None:
        waits.until(
            self.asked_whether_alive,
            is_alive(self.answers_within_s),
            within_s=within_s,
            what="the server to answer after a restart",
        )

    def _new(self, restart: Restart) -> list[Pod]:
        return [pod for pod in self._pods() if pod.uid not in restart.ended]

    def _pods(self) -> list[Pod]:
        return self._servers.pods()


def _staying(pods: list[Pod]) -> list[Pod]:
    return [pod for pod in pods if not pod.deleting]
