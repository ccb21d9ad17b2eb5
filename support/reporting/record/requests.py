"""Response times over a run, by request. Ids in a path are replaced, so that the number of names stays small."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

QUANTILES = (0.5, 0.95, 0.99)
# Requests for any other path, which a negative test may send, are counted together as "other".
_ROUTES = (
    (re.compile(r"/(configure|ack|channels|live_metadata|recordings_in_time_range)/?"), r"/\1"),
    (re.compile(r"/metadata/[^/]+"), "/metadata/{job_id}"),
    (re.compile(r"/job/[^/]+"), "/job/{job_id}"),
)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class RequestTimes:
    """Times of ``count`` requests in seconds: sum, maximum, and quantiles (nearest rank) by their share.

    All answers count, including refusals and failures. The times describe this run and are not a benchmark.
    """

    request: str
    count: int
    sum_s: float
    max_s: float
    quantiles_s: dict[str, float]


def request_times(calls: Iterable[tuple[str, float]], base_url: str) -> list[RequestTimes]:
    """Group pairs of ``METHOD url`` and seconds by request, in the order of the request names."""
    groups: dict[str, list[float]] = {}
    prefix = urlsplit(base_url).path.rstrip("/")
    for line, seconds in calls:
        groups.setdefault(_name(line, prefix), []).append(seconds)
    return [_times(name, sorted(values)) for name, values in sorted(groups.items())]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of values in ascending order."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def _times(name: str, ordered: list[float]) -> RequestTimes:
    quantiles = {f"{share:g}": quantile(ordered, share) for share in QUANTILES}
    return RequestTimes(name, len(ordered), math.fsum(ordered), ordered[-1], quantiles)


def _name(line: str, prefix: str) -> str:
    method, _, url = line.partition(" ")
    path = urlsplit(url).path.removeprefix(prefix)
    found = (route.expand(name) for pattern, name in _ROUTES if (route := pattern.fullmatch(path)))
    return f"{method if method in _METHODS else 'other'} {next(found, 'other')}"
