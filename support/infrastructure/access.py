"""Layer 5: the way of an engineer over the jump host to the target host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from support import waits
from support.checks.matcher import Judged, judged
from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.kubernetes.tunnel import tunnel_to
from support.clients.safety import SafetyPolicy
from support.clients.ssh.client import CommandResult, SSHClient, SSHError, SSHSession
from support.config import Environment
from support.infrastructure.cluster import ClusterExamination, ClusterFacts

_TOOLS = (("kubectl version --client", "Client Version"), ("k9s version", "Version"))
_COUNT_CONNECTIONS = "ss -Htn state established '( sport = :{port} )'"


_OF_COMMANDS = ("signal", "timeout")


@dataclass(frozen=True)
class HostFacts:
    """What a host answers to an engineer who has just logged in."""

    name: str
    expected_hostname: str | None
    expected_user: str
    connect_s: float
    results: dict[str, CommandResult]


class AccessExamination:
    """Logs in as an engineer would, asks, and leaves."""

    def __init__(self, client: SSHClient, environment: Environment, journal: Journal) -> None:
        self._client = client
        self._environment = environment
        self._journal = journal
        self._ssh = environment.ssh
        self._limits = environment.limits

    def jump_host(self) -> HostFacts:
        """What the jump host answers; :class:`AssertionError` when it lets nobody in."""
        if self._ssh.jump is None:
            raise AssertionError("the environment names no jump host")
        with _way_is_open(), self._client.connect_jump() as session:
            return _facts("jump host", session, self._ssh.jump.hostname, self._ssh.jump.user, ())

    def target_host(self) -> HostFacts:
        """What the target host answers, reached through the jump host; :class:`AssertionError` when it is not
        reached."""
        with _way_is_open(), self._client.connect_target() as session:
            tools = tuple(command for command, _ in _TOOLS)
            return _facts("target host", session, self._ssh.target.hostname, self._ssh.target.user, tools)

    def connections_after_leaving(self) -> tuple[int, int]:
        """Connections the target host counts before another engineer came, and after they left."""
        command = _COUNT_CONNECTIONS.format(port=self._ssh.target.port)
        with _way_is_open(), self._client.connect_target() as watching:
            before = connections_in(watching.run(command))
            with self._client.connect_target():
                pass
            waits.settle(
                lambda: ["one more"] if connections_in(watching.run(command)) > before else [],
                within_s=self._limits.ssh_connect_s,
            )
            return before, connections_in(watching.run(command))

    def hosts(self) -> Iterator[HostFacts]:
        """The hosts on the way, one after the other: the jump host, where the environment has one, and the target."""
        if self._ssh.jump is not None:
            yield self.jump_host()
        yield self.target_host()

    def cluster_over_target_host(self) -> ClusterFacts:
        """The cluster as it is seen through a tunnel over the target host, whatever way the suite itself takes."""
        settings = self._environment.kubernetes.model_copy(update={"access": "ssh_tunnel"})
        policy = SafetyPolicy(self._environment.identity.name)
        with _way_is_open(), ExitStack() as closing:
            tunnel = tunnel_to(settings, self._client, closing)
            cluster = KubernetesClient(settings, self._journal, policy, tunnel)
            closing.callback(cluster.close)
            return ClusterExamination(cluster, self._environment).examine()

    def logs_in_quickly(self) -> Judged[HostFacts]:
        limit_s = self._limits.ssh_connect_s
        return judged(
            f"logged in within {limit_s:g} s",
            lambda facts: (
                None if facts.connect_s <= limit_s else f"logging in to the {facts.name} took {facts.connect_s:.1f} s"
            ),
        )


@contextmanager
def _way_is_open() -> Iterator[None]:
    """A host that cannot be reached is a finding of this examination, not a trouble of the suite."""
    try:
        yield
    except SSHError as error:
        what = "a command did not end as it should" if error.kind in _OF_COMMANDS else "the host cannot be reached"
        raise AssertionError(f"{what} ({error.kind}): {error}") from error
    except ClusterError as error:
        raise AssertionError(f"the cluster cannot be reached from there: {error}") from error


def connections_in(counted: CommandResult) -> int:
    """How many connections a host counts; :class:`AssertionError` when its count says nothing.

    The session that asks is a connection itself: a count without any has not looked where it should.
    """
    lines = [line for line in counted.stdout.splitlines() if line.strip()]
    if counted.exit_status != 0 or counted.stderr.strip():
        said = counted.stderr.strip() or counted.stdout.strip() or "nothing"
        raise AssertionError(
            f"the connections cannot be counted: {counted.command} ended with {counted.exit_status} and said {said}"
        )
    if not lines:
        raise AssertionError(
            f"the connections cannot be counted: {counted.command} shows none, not even the one that asks"
        )
    return len(lines)


def _facts(name: str, session: SSHSession, hostname: str | None, user: str, tools: tuple[str, ...]) -> HostFacts:
    commands = ("hostname", "whoami", "uptime", *tools)
    return HostFacts(name, hostname, user, session.connect_duration_s, {text: session.run(text) for text in commands})


def answers_as_itself() -> Judged[HostFacts]:
    """Right name, right user, an uptime, and nothing on standard error."""

    def trouble(facts: HostFacts) -> str | None:
        for command in ("hostname", "whoami", "uptime"):
            result = facts.results[command]
            if result.exit_status != 0 or result.stderr or not result.stdout.strip():
                said = f"{result.stdout}{result.stderr}".strip()
                return f"{command} on the {facts.name} ended with {result.exit_status}: {said}"
        hostname, user = (facts.results[command].stdout.strip() for command in ("hostname", "whoami"))
        if facts.expected_hostname is not None and hostname != facts.expected_hostname:
            return f"the {facts.name} calls itself {hostname} instead of {facts.expected_hostname}"
        return None if user == facts.expected_user else f"the user on the {facts.name} is {user}"

    return judged("hostname, whoami and uptime answered as configured, without error output", trouble)


def has_the_tools() -> Judged[HostFacts]:
    def trouble(facts: HostFacts) -> str | None:
        for command, text in _TOOLS:
            result = facts.results[command]
            if result.exit_status != 0 or text not in result.stdout:
                return f"{command} ended with {result.exit_status}: {result.stdout}{result.stderr}".strip()
        return None

    return judged("kubectl and k9s that tell their versions", trouble)
