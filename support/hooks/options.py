"""Checks for options that would have no effect, or would select everything instead of something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from support.config.errors import suggestion

_SETTINGS_OF_A_RUN = frozenset(
    {"env", "sandbox_run_file", "reports", "history", "publish", "parallel", "confirm", "slow"}
    | {"shuffle", "series", "under_load", "shard", "shard_plan"}
    | {"load_profile", "load_workers", "load_listen", "load_within_s"}
)
"""The settings that -D may name."""
_MAY_BE_EMPTY = "history"
_LANGUAGE = "en"


def environment_name(userdata: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """Return the name of the environment that a run is for."""
    return userdata.get("env") or variables.get("FOCUS_ENV") or "sandbox"


def publishes_all(userdata: Mapping[str, str]) -> bool:
    """Whether all reports are made from the record."""
    return userdata.get("publish", "all") == "all"


def unusable(config: Any) -> Iterator[str | None]:
    """Yield for each option of behave why it cannot be used, in one sentence, or None if it can."""
    if config.lang not in (None, _LANGUAGE):
        yield f"--lang={config.lang}: the features are written in {_LANGUAGE}; leave it out"
    yield from (_setting(name, str(value)) for name, value in config.userdata.items())
    yield from (_empty("--name", str(name)) for name in config.name or ())
    yield from (_empty(f"--{kind}", getattr(config, f"{kind}_re")) for kind in ("include", "exclude"))


def _setting(name: str, value: str) -> str | None:
    """Return an objection to a setting, or None.

    An unknown setting would have no effect: the run would use another site, or replace other reports.
    """
    if name not in _SETTINGS_OF_A_RUN:
        near, allowed = suggestion(name, sorted(_SETTINGS_OF_A_RUN)), ", ".join(sorted(_SETTINGS_OF_A_RUN))
        return f"-D {name}={value}: there is no setting {name}; {near}allowed: {allowed}"
    if not value.strip() and name != _MAY_BE_EMPTY:
        return f"-D {name}=: it is empty; leave it out, or say what it is"
    return f"-D slow={value}: allowed is yes" if name == "slow" and value != "yes" else None


def _empty(option: str, value: Any) -> str | None:
    """Return an objection to an empty text. It is part of each name and would select everything."""
    text = getattr(value, "pattern", value)
    return (
        f"{option}=: it is empty; leave it out, or say what is looked for"
        if text is not None and not text.strip()
        else None
    )
