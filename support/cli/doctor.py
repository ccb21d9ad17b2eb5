"""``focus-acceptance doctor``: which layer of an environment is broken."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from support.clients import tls
from support.clients.clock import ClockOffset
from support.clients.journal import Journal
from support.clients.kubernetes.client import KubernetesClient
from support.clients.kubernetes.tunnel import tunnel_to
from support.clients.mongodb.client import MongoDBClient
from support.clients.safety import SafetyPolicy
from support.clients.sandbox.embedded import EmbeddedSandbox, SandboxError
from support.clients.ssh.client import SSHClient
from support.config import ConfigurationError, Environment, load_environment
from support.infrastructure.access import AccessExamination
from support.infrastructure.cluster import ClusterExamination
from support.infrastructure.doctor import Doctor, LayerDiagnosis, layers_of
from support.infrastructure.mongodb import MongoDBExamination
from support.redaction import PROCESS


def run(name: str, run_file: Path | None) -> int:
    """Examine, print, and answer the exit code."""
    with ExitStack() as closing:
        try:
            environment = load_environment(name, run_file=run_file)
            if run_file is None and environment.endpoints == "run_file":
                sandbox = EmbeddedSandbox(environment.sandbox.settings)
                closing.callback(sandbox.stop)
                environment = load_environment(name, run_file=sandbox.start().run_file)
            clusters: list[KubernetesClient] = []
            diagnosis = _doctor(environment, closing, clusters).examine()
            for cluster in clusters:
                cluster.learn_clock()
        except (ConfigurationError, SandboxError) as error:
            print(f"doctor: {error}", file=sys.stderr)
            return 2
    return report(environment, diagnosis, [cluster.clock for cluster in clusters])


def _doctor(environment: Environment, closing: ExitStack, clusters: list[KubernetesClient]) -> Doctor:
    """With clients that change nothing: whatever the environment permits, a diagnosis needs no permission.

    ``clusters`` is given the client of the cluster, when it is reached.
    """
    journal = Journal(environment.secrets(), PROCESS)
    policy = SafetyPolicy(environment.identity.name)
    ssh = SSHClient(environment.ssh, journal)
    index = MongoDBClient(environment.mongodb, journal, policy)
    closing.callback(index.close)

    def orchestration() -> ClusterExamination:
        tunnel = tunnel_to(environment.kubernetes, ssh, closing)
        cluster = KubernetesClient(environment.kubernetes, journal, policy, tunnel)
        closing.callback(cluster.close)
        clusters.append(cluster)
        return ClusterExamination(cluster, environment)

    access = AccessExamination(ssh, environment, journal)
    return Doctor(layers_of(MongoDBExamination(index, environment), access, orchestration, environment))


def report(environment: Environment, diagnosis: LayerDiagnosis, clocks: Sequence[ClockOffset]) -> int:
    """Print what was found, whom the clients trust and how the clocks stand; answers the exit code."""
    print(f"{environment.identity.title}: {diagnosis.conclusion}")
    for finding in diagnosis.findings:
        print(f"  {finding}")
    print(f"about {environment.identity.name}: {environment.identity.description}")
    server, cluster = environment.focus_server, environment.kubernetes
    print("certificates trusted")
    print(f"  Focus Server: {tls.described(server.ca_file, server.verify_tls)}")
    authority = "that of its kubeconfig, else " if cluster.kubeconfig is not None and cluster.ca_file is None else ""
    print(f"  Kubernetes: {authority}{tls.described(cluster.ca_file, cluster.verify_tls)}")
    print(f"  MongoDB, where its URI says tls: that of the URI, else {tls.described(None, True)}")
    for clock in clocks:
        print(f"clocks: {clock}")
    return 1 if diagnosis.broken else 0
