"""How long requests took over a run, by what was asked for; ids in a path are left out, so that names are few."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

QUANTILES = (0.5, 0.95, 0.99)
# A request for anything else (a negative test may ask for any path) is counted together with its like.
_ROUTES = (
    (re.compile(r"/(configure|ack|channels|live_metadata|recordings_in_time_range)/?"), r"/\1"),
    (re.compile(r"/metadata/[^/]+"), "/metadata/{job_id}"),
    (re.compile(r"/job/[^/]+"), "/job/{job_id}"),
)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class RequestTimes:
    """Of ``count`` requests: the sum, the greatest, and quantiles (nearest rank) by their share; all in seconds.

    Answers of every kind count, refusals and failures too: it tells of this run, it is not a benchmark.
    """

    request: str
    count: int
    sum_s: float
    max_s: float
    quantiles_s: dict[str, float]


def request_times(calls: Iterable[tuple[str, float]], base_url: str) -> list[RequestTimes]:
    """From pairs of ``METHOD url`` and seconds, in the order of the names."""
    groups: dict[str, list[float]] = {}
    prefix = urlsplit(base_url).path.rstrip("/")
    for line, seconds in calls:
        groups.setdefault(_name(line, prefix), []).append(seconds)
    return [_times(name, sorted(values)) for name, values in sorted(groups.items())]


def quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank quantile of values in ascending order."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def _times(name: str, ordered: list[float]) -> RequestTimes:
    quantiles = {f"{share:g}": quantile(ordered, share) for share in QUANTILES}
    return RequestTimes(name, len(ordered), math.fsum(ordered), ordered[-1], quantiles)


def _name(line: str, prefix: str) -> str:
    method, _, url = line.partition(" ")
    path = urlsplit(url).path.removeprefix(prefix)
    found = (route.expand(name) for pattern, name in _ROUTES if (route := pattern.fullmatch(path)))
    return f"{method if method in _METHODS else 'other'} {next(found, 'other')}"
