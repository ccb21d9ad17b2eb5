"""Limits that are looser than the requirements: allowed for a site, and always reported."""

from __future__ import annotations

from collections.abc import Iterator

from support.config.base import Section
from support.config.sections import Sections

NOT_REQUIRED = frozenset(
    {
        *("time_scale", "overhead_s", "start_overhead_s"),  # settings of a sandbox
        *(
            "log_lines",
            "highest_frequency_hz",
            "highest_view",
            "waiting_jobs",
            "first_stream_port",
            "last_stream_port",
        ),  # properties of a site
        *("target_jobs", "steps", "heavy_nfft"),  # cannot be looser
    }
)
THE_MORE_THE_STRICTER = frozenset(
    {
        *("most_channels", "ping_samples", "ack_concurrency", "recognition_rate", "nothing_started_observation_s"),
        *("stability_duration_s", "stability_success_rate"),
        *("success_rate", "confidence", "stop_below_rate", "heavy_jobs", "heavy_channels"),
    }
)
"""Lower limits: a smaller number is looser."""
_REFUSALS = frozenset({400, 422})
_UNITS = {"_mb_per_h": " MB/h", "_ms": " ms", "_s": " s", "_h": " h"}


def looser_than_required(environment: Sections) -> Iterator[str]:
    """Describe each limit that is looser than the requirement. The defaults are the requirements."""
    yield from _looser("limits", environment.limits)
    yield from _looser("capacity", environment.capacity)
    if more := sorted(environment.refusal_statuses - _REFUSALS):
        yield f"refusals may be answered {', '.join(map(str, more))} as well, the requirement is 400 or 422"


def _looser(name: str, section: Section) -> Iterator[str]:
    for key, field in type(section).model_fields.items():
        value, required = getattr(section, key), field.default
        if key in NOT_REQUIRED or value == required:
            continue
        if value < required if key in THE_MORE_THE_STRICTER else value > required:
            unit = _unit_of(key)
            yield f"judged by a limit of {value:g}{unit}, the requirement is {required:g}{unit} ({name}.{key})"


def _unit_of(key: str) -> str:
    """Return the unit of a key after a blank; an empty text for rates and amounts."""
    return next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), "")
