"""The run as a whole: environment, sandbox, clients, and what the record says about them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from behave.runner import Context

from support.clients.kubernetes_api import ClusterError
from support.config import Environment, load_environment
from support.reporting import context as reporting
from support.reporting.context import KnownIssue
from support.sandbox import PROJECT, EmbeddedSandbox
from support.world import World


class EnvironmentUnreachable(Exception):
    """The environment does not answer at all: nothing can be judged. ``exit_code`` is that of wrong use."""

    exit_code = 2


def before_all(context: Context) -> None:
    """Load the environment, start the sandbox where it is one, connect the clients."""
    name = context.config.userdata.get("env") or os.environ.get("FOCUS_ENV") or "sandbox"
    given = context.config.userdata.get("sandbox_run_file")
    environment = _load(context, name, Path(given) if given else None)
    report = reporting.current()
    report.environment = environment.identity.name
    report.known_issues = [
        KnownIssue(issue.scenario, issue.ticket, issue.expires, issue.reason) for issue in environment.known_issues
    ]
    context.world = _connect(environment)
    context.add_cleanup(context.world.close)
    report.redact = context.world.journal.redact
    report.fingerprint = _fingerprint(context.world)


def _load(context: Context, name: str, run_file: Path | None) -> Environment:
    """The environment; a sandbox that is not given is started, and ends with the run."""
    environment = load_environment(name, run_file=run_file)
    if run_file is not None or environment.endpoints == "given":
        return environment
    sandbox = EmbeddedSandbox(environment.sandbox.settings)
    context.add_cleanup(sandbox.stop)
    return load_environment(name, run_file=sandbox.start().run_file)


def _connect(environment: Environment) -> World:
    try:
        return World(environment)
    except ClusterError as error:
        raise EnvironmentUnreachable(f"environment {environment.identity.name} cannot be reached: {error}") from error


def _fingerprint(world: World) -> dict[str, Any]:
    """What the run was made on."""
    nodes = world.cluster.nodes()
    return {
        "title": world.environment.identity.title,
        "kubernetes": world.cluster.version(),
        "nodes": [node.name for node in nodes],
        "git": _git_revision(),
        "configuration": world.environment.redacted(),
    }


def _git_revision() -> str | None:
    """The commit of the suite, or None where it is not a git checkout."""
    command = ["git", "-C", str(PROJECT), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return found.stdout.strip() or None
