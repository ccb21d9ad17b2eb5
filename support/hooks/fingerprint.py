"""The fingerprint of a run: versions of the system, the suite and its libraries. Cheap, and never a reason to fail."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from requests import RequestException

from support.clients.focus_server.answers import ShapeError
from support.clients.kubernetes.client import ClusterError
from support.clients.kubernetes.servers import Servers, container_of
from support.clients.mongodb.client import DatabaseError
from support.clients.sandbox.control import ControlError
from support.files import PROJECT
from support.world.world import World

_LIBRARIES = ("behave", "kubernetes", "paramiko", "pydantic", "pyhamcrest", "pymongo", "requests")


def fingerprint(world: World) -> dict[str, Any]:
    """Return facts by name. A part of the environment that does not answer is recorded as ``not known: <why>``."""
    cluster = world.cluster.client
    return {
        "title": world.environment.identity.title,
        "focus_server": _asked(world, lambda: _images(world)),
        "kubernetes": _asked(world, cluster.version),
        "mongodb": _asked(world, lambda: world.recordings.client.server_status().version),
        "nodes": _asked(world, lambda: [node.name for node in cluster.nodes()]),
        "clocks": [str(cluster.clock), str(world.product.client.clock)],
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        **revision(PROJECT),
        "unverified_certificates": world.environment.unverified_certificates(),
        "configuration": world.environment.redacted(),
        **({"sandbox": changed} if (changed := _asked(world, lambda: _done_to_the_sandbox(world))) else {}),
    }


def revision(folder: Path) -> dict[str, str | None]:
    """Return ``git``, the commit of the suite, and ``git_changes``, a hash of the changes since that commit.

    The commit is None outside of a git checkout, the hash is None without changes. Two runs of one commit may differ
    in their changes.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "diff", "HEAD") + _git(folder, "ls-files", "--others", "--exclude-standard")
    return {
        "git": commit or None,
        "git_changes": hashlib.sha256(changes.encode()).hexdigest()[:10] if changes else None,
    }


def _asked(world: World, question: Callable[[], Any]) -> Any:
    try:
        return question()
    except (ClusterError, ControlError, DatabaseError, RequestException, ShapeError) as error:
        return f"not known: {world.journal.redact(str(error))}"


def _images(world: World) -> str:
    """Return the images of the Focus Server."""
    workload = world.environment.kubernetes.services.focus_server
    containers = (
        container
        for pod in Servers(world.cluster.client, workload).pods()
        for container in pod.containers
        if container_of(pod, workload) in (None, container.name)
    )
    images = sorted({container.image for container in containers})
    return ", ".join(images) or "not known: it has no pod"


def _done_to_the_sandbox(world: World) -> str:
    """Describe the deliberate changes of the sandbox: faults that are on, settings that differ from the usual ones."""
    state = world.product.sandbox.state() if world.product.sandbox is not None else {}
    faults = ", ".join(map(str, state.get("faults", ())))
    settings = ", ".join(f"{key}={value}" for key, value in sorted(state.get("changed_settings", {}).items()))
    changes = [f"faults {faults}"] if faults else []
    return "; ".join([*changes, f"settings {settings}"] if settings else changes)


def _git(folder: Path, *arguments: str) -> str:
    """Return the output of git for a folder; empty without git or outside of a checkout."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.decode("utf-8", "replace").strip()
