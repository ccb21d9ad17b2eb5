"""Options that would leave a run as if they had not been given, or select everything in place of something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from support.config.errors import suggestion

_SETTINGS_OF_A_RUN = frozenset(
    {"env", "sandbox_run_file", "reports", "history", "publish", "parallel", "confirm", "slow"}
    | {"shuffle", "series", "under_load", "shard", "shard_plan"}
    | {"load_profile", "load_workers", "load_listen", "load_within_s"}
)
"""What -D may name."""
_MAY_BE_EMPTY = "history"
_LANGUAGE = "en"


def environment_name(userdata: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """The environment that a run is for."""
    return userdata.get("env") or variables.get("FOCUS_ENV") or "sandbox"


def publishes_all(userdata: Mapping[str, str]) -> bool:
    """Whether every report is made of the record."""
    return userdata.get("publish", "all") == "all"


def unusable(config: Any) -> Iterator[str | None]:
    """Why an option of behave cannot be used, in one sentence; None for one that can."""
    if config.lang not in (None, _LANGUAGE):
        yield f"--lang={config.lang}: the features are written in {_LANGUAGE}; leave it out"
    yield from (_setting(name, str(value)) for name, value in config.userdata.items())
    yield from (_empty("--name", str(name)) for name in config.name or ())
    yield from (_empty(f"--{kind}", getattr(config, f"{kind}_re")) for kind in ("include", "exclude"))


def _setting(name: str, value: str) -> str | None:
    """What nobody reads would leave the run as if it had not been given: on another site, or over other reports."""
    if name not in _SETTINGS_OF_A_RUN:
        near, allowed = suggestion(name, sorted(_SETTINGS_OF_A_RUN)), ", ".join(sorted(_SETTINGS_OF_A_RUN))
        return f"-D {name}={value}: there is no setting {name}; {near}allowed: {allowed}"
    if not value.strip() and name != _MAY_BE_EMPTY:
        return f"-D {name}=: it is empty; leave it out, or say what it is"
    return f"-D slow={value}: allowed is yes" if name == "slow" and value != "yes" else None


def _empty(option: str, value: Any) -> str | None:
    """An empty text is in every name: it would select everything."""
    text = getattr(value, "pattern", value)
    return (
        f"{option}=: it is empty; leave it out, or say what is looked for"
        if text is not None and not text.strip()
        else None
    )
