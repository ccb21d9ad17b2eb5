"""The confirmation of a run that loads or disrupts a site that others use. Such a run first says what it will do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from support.config import Environment
from support.selection import reason_by_the_clock, reason_to_skip

VARIABLE = "FOCUS_CONFIRM"
_DOES = {
    "load": "open up to {jobs} investigations at once",
    "disruptive": "take parts of it away and restart its server",
    "writes_database": "write to its database",
}


class NotConfirmed(Exception):
    """The run is not confirmed, and nothing was touched. ``exit_code`` is that of wrong use."""

    exit_code = 2


def say_what_it_does(
    environment: Environment,
    selected: Iterable[Iterable[str]],
    userdata: Mapping[str, str],
    variables: Mapping[str, str],
) -> bool:
    """Print one line if the selected scenarios (given by their tags) load or disrupt a site that is not a sandbox.

    Returns whether that is confirmed, by ``-D confirm=NAME`` or the variable for CI. The clients refuse it otherwise,
    whatever a scenario does. Raises :class:`NotConfirmed` if the selected scenarios need a missing confirmation.
    """
    identity = environment.identity
    if identity.kind == "sandbox":
        return True
    confirmed = userdata.get("confirm") or variables.get(VARIABLE, "")
    does = _what_it_does(environment, selected)
    if not does:
        return confirmed == identity.name
    announcement = f"this run will {', '.join(does)} on {identity.title} ({identity.name})"
    if confirmed != identity.name:
        given = f", not {confirmed}" if confirmed else ""
        raise NotConfirmed(
            f"{announcement}: confirm that with -D confirm={identity.name}{given} (make: CONFIRM={identity.name}), or "
            "leave it out with --tags='not (@load or @disruptive or @writes_database)'"
        )
    print(announcement)
    return True


def _what_it_does(environment: Environment, selected: Iterable[Iterable[str]]) -> list[str]:
    """Describe what the selected scenarios will do. Scenarios that will be skipped do not count."""
    named = [set(tags) for tags in selected]
    will_run = [
        tags for tags in named if not (reason_to_skip(tags, environment) or reason_by_the_clock(tags, environment))
    ]
    jobs = environment.capacity.target_jobs
    return [text.format(jobs=jobs) for tag, text in _DOES.items() if any(tag in tags for tags in will_run)]
