"""``focus-acceptance sweep``: what a killed run left behind."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.kubernetes.tunnel import tunnel_to
from support.clients.safety import SafetyError, SafetyPolicy
from support.clients.ssh.client import SSHClient
from support.clients.ssh.errors import SSHError
from support.config import ConfigurationError, Environment, load_environment
from support.investigations.run_ledger import RunLedger, ledger_file
from support.investigations.sweep import Leftovers, Sweep


def run(name: str, run_file: Path | None, reports: Path, remove: bool) -> int:
    """List or remove; exit code 0 when nothing is left, 1 when something is."""
    with ExitStack() as closing:
        try:
            environment = load_environment(name, run_file=run_file)
            sweep = Sweep(_cluster(environment, closing), RunLedger(ledger_file(reports, name)), environment)
            leftovers = sweep.find()
            _list(leftovers)
            left = sweep.remove(leftovers) if remove else _named(leftovers)
        except (ConfigurationError, ClusterError, SSHError, SafetyError) as error:
            print(f"sweep: {error}", file=sys.stderr)
            return 2
    if left and not remove:
        print("nothing was removed; do it with --yes")
    elif left:
        print(f"could not be removed: {', '.join(left)}")
    else:
        print(f"environment {name}: nothing of this suite is left")
    return 1 if left else 0


def _cluster(environment: Environment, closing: ExitStack) -> KubernetesClient:
    journal, safety = Journal(environment.secrets()), environment.safety
    policy = SafetyPolicy(environment.identity.name, safety.load, safety.disruptive, safety.writes_database)
    tunnel = tunnel_to(environment.kubernetes, SSHClient(environment.ssh, journal), closing)
    cluster = KubernetesClient(environment.kubernetes, journal, policy, tunnel)
    closing.callback(cluster.close)
    return cluster


def _list(leftovers: Leftovers) -> None:
    for entry in leftovers.investigations:
        print(f"  investigation {entry.job_id}, opened {entry.opened_at:%Y-%m-%d %H:%M:%S} UTC")
    for kind, name in leftovers.holders:
        print(f"  {kind} {name}")
    for job_id in leftovers.not_ours:
        print(f"  investigation {job_id} is somebody else's now and is left alone")


def _named(leftovers: Leftovers) -> list[str]:
    return [*(entry.job_id for entry in leftovers.investigations), *(name for _, name in leftovers.holders)]
