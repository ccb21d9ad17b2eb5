"""Measures the latency that the load generator itself adds, before it is used to judge a server."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from statistics import median

from support.capacity.load.loopback import ARRIVED, LEFT, LOOPBACK, LoopbackServer
from support.capacity.load.results import SelfCheck
from support.clients.focus_server.client import FocusServerClient
from support.clients.focus_server.load_client import BurstClient, LoadClient
from support.clients.load_engine import Burst, Caps, Sample
from support.model import requests
from support.statistics.operational import arrival_spread_ms, peak_in_flight
from support.statistics.percentiles import percentile

SHARE_OF_LIMIT = 0.1
"""A generator that adds more than this share of a limit cannot judge the limit (docs/facts/capacity.md 2.6)."""
MOST_ROUNDS = 3
SINGLE_REQUESTS, SINGLE_SERVICE_MS = 40, 5.0


def check_generator(
    client_of: Callable[[str], BurstClient],
    concurrent: int,
    limit_ms: float,
    allowed_ms: float | None = None,
    host: str = LOOPBACK,
) -> SelfCheck:
    """Send ``concurrent`` requests at once to a loopback server that takes exactly ``limit_ms`` for each.

    At that service time the generator's share decides between pass and failure. ``allowed_ms`` is a tenth of the limit
    by default. A first round within the allowance decides. Otherwise the median of three rounds does, because a shared
    machine stands still now and then, which says nothing about the generator.
    """
    allowed_ms = limit_ms * SHARE_OF_LIMIT if allowed_ms is None else allowed_ms
    rounds: list[SelfCheck] = []
    with LoopbackServer(limit_ms, host) as server:
        client = client_of(server.url)
        while len(rounds) < MOST_ROUNDS and not (rounds and rounds[0].trusted):
            rounds.append(_judged(one_round(client, concurrent), concurrent, limit_ms, allowed_ms))
    middle_ms = median(each.added_p95_ms for each in rounds)
    return next(each for each in rounds if each.added_p95_ms == middle_ms)


class GeneratorCheck:
    """The generator check of this run, made before the first load and kept."""

    def __init__(
        self,
        load_client: Callable[[str], BurstClient],
        client: Callable[[str], FocusServerClient],
        concurrent: int,
        limit_ms: float,
        share: float = SHARE_OF_LIMIT,
        engine: str = LoadClient.engine,
        host: str = LOOPBACK,
    ) -> None:
        """``load_client`` and ``client`` create the clients of this run for another base URL. ``host`` is the address
        at which the load generators reach this machine."""
        self._engine, self._host = engine, host
        self._load_client, self._client = load_client, client
        self._concurrent, self._limit_ms, self._share = concurrent, limit_ms, share
        self._result: SelfCheck | None = None
        self._single_ms: float | None = None

    def result(self) -> SelfCheck:
        """Return the check of the generator, made once in a run."""
        if self._result is None:
            self._result = check_generator(
                self._load_client, self._concurrent, self._limit_ms, self._limit_ms * self._share, self._host
            )
        return self._result

    def forget(self) -> None:
        """Check again before the next load, because the machine has changed."""
        self._result = None

    def single_ms(self) -> float:
        """Return the latency that a single client adds at P95, measured once in a run."""
        if self._single_ms is None:
            self._single_ms = own_share_ms(self._client)
        return self._single_ms

    def description(self) -> dict[str, str]:
        """Describe the load generator."""
        return {"engine": self._engine, "python": platform.python_version()}


def one_round(client: BurstClient, concurrent: int) -> Burst:
    """Send one burst over connections that are already open."""
    return client.burst("POST", "/configure", [requests.live()] * concurrent, Caps(concurrent, 30.0))


def own_share_ms(client_of: Callable[[str], FocusServerClient]) -> float:
    """Return the P95 of what a single client adds to a server that takes a few ms, in requests one after the other."""
    with LoopbackServer(SINGLE_SERVICE_MS) as server:
        client = client_of(server.url)
        answers = [client.configure(requests.live()) for _ in range(SINGLE_REQUESTS)]
        client.close()
    return percentile([answer.duration_s * 1000 - _served_ms(answer.headers) for answer in answers], 0.95).value


def _served_ms(headers: Mapping[str, str]) -> float:
    return (float(headers[LEFT]) - float(headers[ARRIVED])) * 1000


def added_ms(sample: Sample) -> float:
    """Return the latency the client added to the service time, from the moment the request should have been sent."""
    return sample.response_ms - _served_ms(sample.headers)


def _judged(burst: Burst, concurrent: int, service_ms: float, allowed_ms: float) -> SelfCheck:
    unanswered = [sample for sample in burst.samples if sample.status != 200]
    if unanswered:
        reason = f"{len(unanswered)} of {concurrent} requests on loopback failed, the first: {unanswered[0].error}"
        return SelfCheck(concurrent, service_ms, float("inf"), float("inf"), 0, 0.0, False, reason)
    added = [added_ms(sample) for sample in burst.samples]
    p50_ms, p95_ms = percentile(added, 0.5).value, percentile(added, 0.95).value
    arrived = [float(sample.headers[ARRIVED]) for sample in burst.samples]
    at_server = [(float(sample.headers[ARRIVED]), float(sample.headers[LEFT])) for sample in burst.samples]
    trusted = p95_ms <= allowed_ms
    reason = f"it adds {p95_ms:.1f} ms at P95 to a server of {service_ms:g} ms, allowed are {allowed_ms:g} ms"
    return SelfCheck(
        concurrent=concurrent,
        service_ms=service_ms,
        added_p50_ms=p50_ms,
        added_p95_ms=p95_ms,
        peak_in_flight=peak_in_flight(at_server),
        arrival_spread_ms=arrival_spread_ms(arrived),
        trusted=trusted,
        reason="" if trusted else reason,
    )
