"""``python -m tools.bench`` (``make bench``): measure the latency that our load engines and other clients add.

Each client sends the same burst of 200 requests to a loopback server that takes exactly 300 ms. Anything above 300 ms
is added by the client itself, and would be reported as a slow server. Rounds are interleaved and each begins with a
different client, so that a busy moment of the machine does not affect one client only. The table shows medians over the
rounds; ratios are computed within each round. ``focus-acceptance load`` uses Locust, which is measured here with one
and with two workers and needs ``make extras``. The naive clients are those compared in docs/facts/capacity.md 2.2 and
2.3; they use only libraries of the locks.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from statistics import median

import requests
from requests.adapters import HTTPAdapter

from support.capacity.load.loopback import LoopbackServer
from support.capacity.load.self_check import added_ms, one_round
from support.clients.distributed.load_client import DistributedLoadClient, plan_of
from support.clients.distributed.processes import LoadTestersError
from support.clients.distributed.testers import LoadTesters
from support.clients.focus_server.load_client import LoadClient
from support.clients.journal import Journal
from support.clients.load_engine import Sample, fair_turns
from support.clients.safety import Budget
from support.model import requests as bodies
from support.statistics.percentiles import percentile

CONCURRENT = 200
SERVICE_MS = 300.0
ALLOWED_P95_MS = 10.0
ROUNDS = 7
Post = Callable[[], requests.Response]


@dataclass(frozen=True)
class Loopback:
    """Client settings that point to the loopback server."""

    base_url: str
    ca_file: None = None
    verify_tls: bool = True
    tls_fingerprint: str | None = None
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0


@dataclass(frozen=True)
class Measured:
    """One client in one round (ms): the P50 and P95 it added, the P95 it would report for the server, and the P95 that
    its users waited since the burst was due."""

    p50_ms: float
    p95_ms: float
    reported_p95_ms: float
    waited_p95_ms: float


def load_client(url: str) -> LoadClient:
    """The client layer of the suite, allowed to load the loopback server."""
    return LoadClient(
        Loopback(url),
        Journal(),
        Budget.on_loopback(),
    )


def ours(url: str) -> Sequence[Sample]:
    return one_round(load_client(url), CONCURRENT).samples


def without_sessions(url: str) -> Sequence[Sample]:
    """Call ``requests.post`` from each thread, without a session."""
    body = json.dumps(bodies.live())
    return naive(lambda: requests.post(f"{url}/configure", data=body, timeout=30))


def one_session(url: str) -> Sequence[Sample]:
    """One session for all threads, with room for all of them."""
    return naive(_shared_session(url, CONCURRENT))


def default_session(url: str) -> Sequence[Sample]:
    """One session for all threads, with the library's default pool of ten connections."""
    return naive(_shared_session(url, 10))


def small_pool(url: str) -> Sequence[Sample]:
    """A pool of twenty workers. The other requests wait before their clock starts, so their wait is not measured."""
    return naive(_shared_session(url, 20), workers=20)


def session_each(url: str) -> Sequence[Sample]:
    """One session per thread, as ours, but with the interpreter's own switch interval and without any stagger."""
    return naive(_session_per_thread(url))


def session_each_fair(url: str) -> Sequence[Sample]:
    """The same as :func:`session_each`, with the lowered switch interval."""
    return naive(_session_per_thread(url), fair=True)


CLIENTS: dict[str, Callable[[str], Sequence[Sample]]] = {
    "ours": ours,
    "session per thread": session_each,
    "  + lowered switch interval": session_each_fair,
    "one session, pool of 200": one_session,
    "one session, default pool": default_session,
    "requests.post each time": without_sessions,
    "20 workers, clock in the worker": small_pool,
}


def with_locust(closing: ExitStack) -> dict[str, Callable[[str], Sequence[Sample]]]:
    """Clients that use Locust, the engine of ``focus-acceptance load``; their workers run until ``closing`` closes."""

    def by(workers: int) -> Callable[[str], Sequence[Sample]]:
        testers = closing.enter_context(LoadTesters(workers, plan=plan_of(Loopback(""))))

        def client(url: str) -> Sequence[Sample]:
            made = DistributedLoadClient(Loopback(url), Journal(), Budget.on_loopback(), testers)
            return one_round(made, CONCURRENT).samples

        return client

    return {"Locust, 1 worker": by(1), "Locust, 2 workers": by(2)}


def naive(post: Post, workers: int = CONCURRENT, fair: bool = False) -> list[Sample]:
    """Send all requests at once through a pool. The clock starts when a worker takes the request, as is usual."""
    gate = threading.Barrier(min(workers, CONCURRENT))

    def one(number: int) -> Sample:
        if number < gate.parties:
            gate.wait()
        sent_s = time.monotonic()
        response = post()
        return Sample(number, sent_s, sent_s, time.monotonic(), response.status_code, response.headers)

    with fair_turns() if fair else nullcontext(), ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(CONCURRENT)))


def _shared_session(url: str, connections: int) -> Post:
    session, body = requests.Session(), json.dumps(bodies.live())
    session.mount("http://", HTTPAdapter(pool_maxsize=connections))
    return lambda: session.post(f"{url}/configure", data=body, timeout=30)


def _session_per_thread(url: str) -> Post:
    local, body = threading.local(), json.dumps(bodies.live())

    def post() -> requests.Response:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        response: requests.Response = local.session.post(f"{url}/configure", data=body, timeout=30)
        return response

    return post


def measured(samples: Sequence[Sample]) -> Measured:
    added = [added_ms(sample) for sample in samples]
    began_s = min(sample.intended_s for sample in samples)
    return Measured(
        percentile(added, 0.5).value,
        percentile(added, 0.95).value,
        percentile([sample.response_ms for sample in samples], 0.95).value,
        percentile([(sample.done_s - began_s) * 1000 for sample in samples], 0.95).value,
    )


def rounds(amount: int) -> dict[str, list[Measured]]:
    """Measure every client once per round; each round begins with a different client."""
    with ExitStack() as closing:
        clients = {"ours": CLIENTS["ours"], **with_locust(closing), **CLIENTS}
        names = list(clients)
        found: dict[str, list[Measured]] = {name: [] for name in names}
        server = closing.enter_context(LoopbackServer(SERVICE_MS))
        for turn in range(amount):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                found[name].append(measured(clients[name](server.url)))
    return found


def table(found: dict[str, list[Measured]]) -> list[str]:
    """Medians over the rounds, one line for each client."""
    lines = [
        f"{CONCURRENT} requests at once, a server of {SERVICE_MS:g} ms; medians of {len(found['ours'])} rounds, in ms",
        f"{'client':34}{'adds P50':>10}{'adds P95':>10}{'worst P95':>10}{'reports P95':>13}"
        f"{'waited P95':>12}{'x ours':>8}",
    ]
    for name, results in found.items():
        ratio = median(one.p95_ms / max(own.p95_ms, 0.1) for one, own in zip(results, found["ours"], strict=True))
        values = (
            f"{median(one.p50_ms for one in results):>10.1f}",
            f"{median(one.p95_ms for one in results):>10.1f}",
            f"{max(one.p95_ms for one in results):>10.1f}",
            f"{median(one.reported_p95_ms for one in results):>13.0f}",
            f"{median(one.waited_p95_ms for one in results):>12.0f}",
            f"{ratio:>8.1f}",
        )
        lines.append(f"{name:34}" + "".join(values))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each client is measured ({ROUNDS})")
    amount = parser.parse_args().rounds
    if amount < 1:
        parser.error(f"--rounds {amount}: allowed is 1 or more")
    try:
        found = rounds(amount)
    except LoadTestersError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print("\n".join(table(found)))
    added_ms_ = median(one.p95_ms for one in found["ours"])
    good = added_ms_ < ALLOWED_P95_MS
    print(f"ours adds {added_ms_:.1f} ms at P95 (median of {amount} rounds); less than {ALLOWED_P95_MS:g} are wanted")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
