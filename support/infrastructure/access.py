"""Layer 5: the access path of an engineer, over the jump host to the target host."""

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
    """Examination of the access path: logs in as an engineer would, runs commands, and logs out."""

    def __init__(self, client: SSHClient, environment: Environment, journal: Journal) -> None:
        self._client = client
        self._environment = environment
        self._journal = journal
        self._ssh = environment.ssh
        self._limits = environment.limits

    def jump_host(self) -> HostFacts:
        """Return the facts of the jump host. Raises :class:`AssertionError` if it does not exist or cannot be used."""
        if self._ssh.jump is None:
            raise AssertionError("the environment names no jump host")
        with _way_is_open(), self._client.connect_jump() as session:
            return _facts("jump host", session, self._ssh.jump.hostname, self._ssh.jump.user, ())

    def target_host(self) -> HostFacts:
        """Return the facts of the target host, reached through the jump host, or raise :class:`AssertionError`."""
        with _way_is_open(), self._client.connect_target() as session:
            tools = tuple(TOOLS)
            return _facts("target host", session, self._ssh.target.hostname, self._ssh.target.user, tools)

    def connections_after_leaving(self) -> tuple[int, int]:
        """Return the number of connections on the target host before a second login, and after it has ended."""
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
        """Yield the facts of each host on the way: the jump host, if the environment has one, then the target host."""
        if self._ssh.jump is not None:
            yield self.jump_host()
        yield self.target_host()

    def cluster_over_target_host(self) -> ClusterFacts:
        """Examine the cluster through a tunnel over the target host, whichever access the suite itself uses."""
        settings = self._environment.kubernetes.model_copy(update={"access": "ssh_tunnel"})
        policy = SafetyPolicy(self._environment.identity.name)
        with _way_is_open(), ExitStack() as closing:
            tunnel = tunnel_to(settings, self._client, closing)
            cluster = KubernetesClient(settings, self._journal, policy, tunnel)
            closing.callback(cluster.close)
            return ClusterExamination(cluster, self._environment).examine()


@contextmanager
def _way_is_open() -> Iterator[None]:
    """Raise AssertionError for an unreachable host: this is a finding of the examination, not an error of the suite."""
    try:
        yield
    except SSHError as error:
        what = "a command did not end as it should" if error.kind in _OF_COMMANDS else "the host cannot be reached"
        raise AssertionError(f"{what} ({error.kind}): {error}") from error
    except ClusterError as error:
        raise AssertionError(f"the cluster cannot be reached from there: {error}") from error


def connections_in(counted: CommandResult) -> int:
    """Return the number of connections counted. Raises :class:`AssertionError` if the output is not a valid count.

    The session that runs the command is itself a connection, so a count of zero is wrong.
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
