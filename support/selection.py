"""Selection of the scenarios that may run here, by what the environment declares, never by probing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from support.config import Environment
from support.config.load_window import LoadWindow


class EarlierRuns(Protocol):
    """The part of the history of earlier runs that a comparison needs."""

    def reason_to_wait(self) -> str | None:
        """Return the reason why a run cannot be compared with earlier ones yet, or None."""


NEEDS = "needs_"
MEASURES = frozenset({"alone", "slow", "needs_baseline"})
"""Tags of scenarios that nothing else of the run may disturb, because they measure, or judge what others measured."""
EXCLUDES = MEASURES | frozenset(
    {"load", "disruptive", "writes_database", "needs_ssh"}
    | {"needs_exclusive_cluster", "needs_fibre_control", "needs_server_configuration"}
)
"""Tags of scenarios that cannot run beside others, because of what they do to the site or measure there. Logins to the
hosts are among them: on a crowded machine, a login beside others was seen to run into its time-out."""
BASELINE = "needs_baseline"
"""Not a property of the environment: a number of earlier runs of the suite itself."""
SLOW = "slow"
PERMISSIONS = ("load", "disruptive", "writes_database")
_BACKLOG_REASON = "backlog: the requirement is agreed, the product does not have it yet"


def reason_to_skip(tags: Iterable[str], environment: Environment) -> str | None:
    """Return the reason why a scenario with these tags does not run here, or None."""
    tags = set(tags)
    if "backlog" in tags:
        return _BACKLOG_REASON
    missing = sorted(tag.removeprefix(NEEDS) for tag in tags if tag.startswith(NEEDS) and tag != BASELINE)
    for capability in missing:
        if capability not in environment.capabilities:
            name = environment.identity.name
            return f"environment {name} does not declare the capability {capability}{_why(capability, environment)}"
    for permission in PERMISSIONS:
        if permission in tags and not getattr(environment.safety, permission):
            return f"environment {environment.identity.name} does not permit what is tagged {permission}"
    return None


def hours_of_load(environment: Environment) -> LoadWindow | None:
    """Return the hours in which the environment may be loaded; None for any hour."""
    text = environment.safety.load_between
    return None if text is None else LoadWindow.parse(text)


def reason_by_the_clock(tags: Iterable[str], environment: Environment, now: datetime | None = None) -> str | None:
    """Return the reason why a scenario with these tags does not run at this hour, or None."""
    window = hours_of_load(environment) if "load" in set(tags) else None
    objection = window.objection(now or datetime.now(UTC)) if window is not None else None
    return objection and f"environment {environment.identity.name} is not loaded at this hour: {objection}"


def _why(capability: str, environment: Environment) -> str:
    """Return the reason why the capability is missing, if it is known."""
    if capability == "rabbitmq" and environment.kind == "sandbox":
        wanted = environment.sandbox.settings.get("rabbitmq") == "installed"
        return ": no rabbitmq-server is installed on this machine" if wanted else ": sandbox.settings.rabbitmq is off"
    return f": {environment.missing[capability]}" if capability in environment.missing else ""


def reason_to_wait(tags: Iterable[str], userdata: Mapping[str, str], baselines: EarlierRuns) -> str | None:
    """Return the reason why a scenario with these tags does not run now, in any environment, or None."""
    tags = set(tags)
    if SLOW in tags and (userdata.get("slow") or os.environ.get("FOCUS_SLOW")) != "yes":
        return (
            "slow: it takes as long as limits.stability_duration_s says; ask for it with -D slow=yes or FOCUS_SLOW=yes"
        )
    return baselines.reason_to_wait() if BASELINE in tags else None
