"""Which scenarios may run here: decided by what the environment declares, never by probing."""

from __future__ import annotations

from collections.abc import Iterable

from support.config import Environment

NEEDS = "needs_"
PERMISSIONS = ("load", "disruptive", "writes_database")
_BACKLOG_REASON = "backlog: the requirement is agreed, the product does not have it yet"


def reason_to_skip(tags: Iterable[str], environment: Environment) -> str | None:
    """Why a scenario with these tags does not run here, or None."""
    tags = set(tags)
    if "backlog" in tags:
        return _BACKLOG_REASON
    missing = sorted(tag.removeprefix(NEEDS) for tag in tags if tag.startswith(NEEDS))
    for capability in missing:
        if capability not in environment.capabilities:
            return f"environment {environment.identity.name} does not declare the capability {capability}"
    for permission in PERMISSIONS:
        if permission in tags and not getattr(environment.safety, permission):
            return f"environment {environment.identity.name} does not permit what is tagged {permission}"
    return None
