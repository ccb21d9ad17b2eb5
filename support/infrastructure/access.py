"""Layer 5: the way of an engineer over the jump host to the target host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from support import waits
from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.kubernetes.tunnel import tunnel_to
from support.clients.safety import SafetyPolicy
from support.clients.ssh.client import SSHClient
from support.clients.ssh.errors import SSHError
from support.clients.ssh.session import CommandResult, SSHSession
from support.config import Environment
from support.infrastructure.cluster import ClusterExamination
from support.model.infrastructure import TOOLS, ClusterFacts, HostFacts

_COUNT_CONNECTIONS = "ss -Htn state established '( sport = :{port} )'"


_OF_COMMANDS = ("signal", "timeout", "endless")


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
            tools = tuple(TOOLS)
            return _facts("target host", session, self._ssh.target.hostname, self._ssh.target.user, tools)

    def connections_after_leaving(self) -> tuple[int, int]:
        """Connections the target host counts before another engineer came, and after they left."""
        command = _COUNT_CONNECTIONS.format(port=self._ssh.target.port)
        with _way_is_open(), self._client.connect_target() as watching:
            before = connections_in(watching.run(command))
            with self._client.connect_target():
                unseen = waits.settle(
                    lambda: [] if connections_in(watching.run(command)) > before else ["who has come"],
                    within_s=self._limits.ssh_connect_s,
                )
            if unseen:
                raise AssertionError(
                    f"the connections cannot be counted: {command} shows {before}, also while a second login is open"
                )
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
