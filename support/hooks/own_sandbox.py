"""The sandbox that a run starts for itself, while the rest of the suite is still being loaded."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from support.clients.sandbox.embedded import EmbeddedSandbox, SandboxError
from support.config import ConfigurationError, load_environment


def begun(name: str, userdata: Mapping[str, str]) -> EmbeddedSandbox | None:
    """Start the run's own sandbox. Returns None if the environment needs none or cannot be loaded.

    The run reports a bad environment itself when it loads it. A sandbox that cannot begin reports that when awaited.
    """
    if userdata.get("sandbox_run_file"):
        return None
    try:
        environment = load_environment(name)
    except ConfigurationError:
        return None
    if environment.endpoints == "given":
        return None
    sandbox = EmbeddedSandbox(environment.sandbox.settings)
    with suppress(SandboxError):
        sandbox.begin()
    return sandbox
