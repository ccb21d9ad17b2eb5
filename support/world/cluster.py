"""``context.world.cluster``: the Kubernetes API, its watch, the jobs, and the resources a scenario occupies."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass

from support.checks.ambient import AmbientChecks
from support.clients.change_journal import Changes
from support.clients.journal import Journal
from support.clients.kubernetes.client import KubernetesClient
from support.clients.kubernetes.tunnel import tunnel_to
from support.clients.kubernetes.watch import ClusterWatch
from support.clients.safety import SafetyPolicy
from support.clients.ssh.client import SSHClient
from support.config import Environment
from support.investigations.jobs import Jobs
from support.investigations.occupancy import Occupancy
from support.world.closing import closed_with


@dataclass(frozen=True)
class Cluster:
    client: KubernetesClient
    watch: ClusterWatch
    jobs: Jobs
    occupancy: Occupancy
    ambient: AmbientChecks

    @classmethod
    def connected(
        cls,
        environment: Environment,
        journal: Journal,
        changes: Changes,
        policy: SafetyPolicy,
        ssh: SSHClient,
        closing: ExitStack,
    ) -> Cluster:
        """Connect directly or through a tunnel, and start watching. Raises ``ClusterError``."""
        tunnel = tunnel_to(environment.kubernetes, ssh, closing)
        client = closed_with(closing, KubernetesClient(environment.kubernetes, journal, policy, tunnel))
        watch = ClusterWatch(client).start()
        closing.callback(watch.stop)
        client.learn_clock()
        occupancy = Occupancy(client, environment, secrets.token_hex(3), changes)
        return cls(client, watch, Jobs(client, watch, environment), occupancy, AmbientChecks(client, environment))
