"""The run of ``focus-acceptance load``: its profile, and the testers that make the load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from behave.runner import Context

from support.capacity.profiled import AskedLoad
from support.clients.distributed.load_client import plan_of
from support.clients.distributed.testers import LoadTesters
from support.config import ConfigurationError, Environment
from support.config.load_profile import read_load_profile

PROFILE, WORKERS, LISTEN, WITHIN = "load_profile", "load_workers", "load_listen", "load_within_s"
"""Settings of the run, as ``-D`` gives them."""


def asked_load(context: Context, environment: Environment) -> AskedLoad | None:
    """Return the load that this run was asked for, with its testers present, or None for any other run.

    The testers end with the run. Raises :class:`ConfigurationError` and :class:`LoadTestersError`.
    """
    userdata: Mapping[str, str] = context.config.userdata
    if PROFILE not in userdata:
        return None
    profile = read_load_profile(Path(userdata[PROFILE]))
    try:
        amount, within_s = int(userdata[WORKERS]), float(userdata[WITHIN])
    except (KeyError, ValueError) as error:
        raise ConfigurationError(
            f"-D {PROFILE}: only focus-acceptance load gives it, with {WORKERS}, {WITHIN}"
        ) from error
    plan = plan_of(environment.focus_server)
    testers = LoadTesters(amount, listen=userdata.get(LISTEN), within_s=within_s, plan=plan)
    testers.__enter__()
    context.add_cleanup(testers.__exit__, None, None, None)
    return AskedLoad(profile, testers)
