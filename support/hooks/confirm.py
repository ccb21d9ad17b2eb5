"""A run that loads or disrupts a site that others use says so first, and wants that confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from support.config import Environment
from support.selection import reason_to_skip

VARIABLE = "FOCUS_CONFIRM"
_DOES = {
    "load": "open up to {jobs} investigations at once",
    "disruptive": "take parts of it away and restart its server",
    "writes_database": "write to its database",
}


class NotConfirmed(Exception):
    """Nothing was touched; one sentence. ``exit_code`` is that of wrong use."""

    exit_code = 2


def say_what_it_does(
    environment: Environment,
    selected: Iterable[Iterable[str]],
    userdata: Mapping[str, str],
    variables: Mapping[str, str],
) -> None:
    """Print one line where the selected scenarios (their tags) load or disrupt a site that is not a sandbox.

    Raises :class:`NotConfirmed` unless ``-D confirm=NAME``, or the variable for CI, names that environment.
    """
    identity = environment.identity
    does = [] if identity.kind == "sandbox" else _what_it_does(environment, selected)
    if not does:
        return
    told = f"this run will {', '.join(does)} on {identity.title} ({identity.name})"
    confirmed = userdata.get("confirm") or variables.get(VARIABLE, "")
    if confirmed != identity.name:
        given = f", not {confirmed}" if confirmed else ""
        raise NotConfirmed(
            f"{told}: confirm that with -D confirm={identity.name}{given} (make: CONFIRM={identity.name}), or "
            "leave it out with --tags='not (@load or @disruptive or @writes_database)'"
        )
    print(told)


def _what_it_does(environment: Environment, selected: Iterable[Iterable[str]]) -> list[str]:
    """Only what will not be skipped counts."""
    will_run = [set(tags) for tags in selected if reason_to_skip(tags, environment) is None]
    jobs = environment.capacity.target_jobs
    return [text.format(jobs=jobs) for tag, text in _DOES.items() if any(tag in tags for tags in will_run)]
