"""``focus-acceptance doctor``: checks the prerequisites of an environment and finds its broken layer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from support.clients import tls
from support.clients.clock import ClockOffset
from support.clients.journal import Journal
from support.clients.kubernetes.client import KubernetesClient
from support.clients.kubernetes.tunnel import StillListening, tunnel_to
from support.clients.mongodb.client import MongoDBClient
from support.clients.safety import SafetyPolicy
from support.clients.sandbox.embedded import EmbeddedSandbox, SandboxError
from support.clients.ssh.client import SSHClient
from support.config import ConfigurationError, Environment, load_environment
from support.infrastructure.access import AccessExamination
from support.infrastructure.cluster import ClusterExamination
from support.infrastructure.doctor import Doctor, LayerDiagnosis, layers_of
from support.infrastructure.doctor_report import DoctorReport
from support.infrastructure.mongodb import MongoDBExamination
from support.infrastructure.prerequisites import Prerequisite, Prerequisites, of_refusal
from support.redaction import PROCESS
from support.redaction.output import print_json


def run(name: str, run_file: Path | None, as_json: bool = False) -> int:
    """Examine the environment, print the report and return the exit code."""
    try:
        with ExitStack() as closing:
            made = _made(name, run_file, closing)
    except (SandboxError, ConfigurationError) as error:
        print(f"doctor: {error}", file=sys.stderr)
        return 2
    except StillListening as error:
        print(f"doctor: {error}", file=sys.stderr)
        return 1
    return _printed(made, as_json)


def _made(name: str, run_file: Path | None, closing: ExitStack) -> DoctorReport:
    try:
        environment = load_environment(name, run_file=run_file)
    except ConfigurationError as error:
        return DoctorReport(name, name, "", of_refusal(error))
    if run_file is None and environment.endpoints == "run_file":
        sandbox = EmbeddedSandbox(environment.sandbox.settings)
        closing.callback(sandbox.stop)
        environment = load_environment(name, run_file=sandbox.start().run_file)
    journal = Journal(environment.secrets(), PROCESS)
    prerequisites = Prerequisites(environment, journal)
    machine = prerequisites.of_this_machine()
    if any(one.trouble is not None for one in machine):
        return report(environment, None, (), machine)
    clusters: list[KubernetesClient] = []
    diagnosis = _doctor(environment, journal, closing, clusters).examine()
    for cluster in clusters:
        cluster.learn_clock()
    return report(environment, diagnosis, [one.clock for one in clusters], machine, prerequisites.of_the_way())


def _doctor(environment: Environment, journal: Journal, closing: ExitStack, clusters: list[KubernetesClient]) -> Doctor:
    """Return a doctor whose clients change nothing: a diagnosis needs no permission, whatever the environment permits.

    The client of the cluster is appended to ``clusters`` when the diagnosis reaches the cluster.
    """
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


def report(
    environment: Environment,
    diagnosis: LayerDiagnosis | None,
    clocks: Sequence[ClockOffset],
    machine: Sequence[Prerequisite] = (),
    way: Sequence[Prerequisite] = (),
) -> DoctorReport:
    """Return the report on the findings, the certificates that the clients trust and the offsets of the clocks."""
    identity, trusts = environment.identity, _trusts(environment) if diagnosis is not None else {}
    offsets = [str(clock) for clock in clocks]
    return DoctorReport(identity.name, identity.title, identity.description, machine, way, diagnosis, trusts, offsets)


def _printed(made: DoctorReport, as_json: bool) -> int:
    if as_json:
        print_json(made.as_json())
    else:
        print(PROCESS.known("\n".join(made.lines())))
    for one in made.machine:
        if one.trouble is not None:
            print(PROCESS.known(f"doctor: {one.trouble}"), file=sys.stderr)
    return made.exit_code


def _trusts(environment: Environment) -> dict[str, str]:
    server, cluster = environment.focus_server, environment.kubernetes
    trust = tls.ServerTrust.of(cluster, "kubernetes")
    of_kubeconfig = cluster.kubeconfig is not None and cluster.ca_file is None and trust.pin is None
    authority = "that of its kubeconfig, else " if of_kubeconfig else ""
    name = f", as {cluster.tls_server_name}" if cluster.tls_server_name is not None else ""
    return {
        "Focus Server": str(tls.ServerTrust.of(server, "focus_server")),
        "Kubernetes": f"{authority}{trust}{name}",
        "MongoDB, where its URI says tls": f"that of the URI, else {tls.described(None, True)}",
    }
