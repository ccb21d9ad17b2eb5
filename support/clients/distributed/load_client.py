"""The load client that sends from many testers, with the same caps as the one that sends from threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from support.clients import tls
from support.clients.distributed.burst import DistributedBurst
from support.clients.distributed.testers import LoadTesters
from support.clients.focus_server.client import encoded
from support.clients.focus_server.load_client import (
    WARMING_AT_ONCE,
    BurstClient,
    BurstOrder,
    asked,
    headers_of,
    note_exchange,
)
from support.clients.journal import Journal
from support.clients.load_engine import Burst, CapExceeded
from support.clients.safety import Budget, opens_an_investigation
from support.clients.settings import FocusServerSettings


def plan_of(settings: FocusServerSettings) -> dict[str, Any]:
    """Return a worker's settings for a Focus Server: trust and time-outs. Workers cannot read files of this machine."""
    trust = tls.ServerTrust.of(settings, "focus_server")
    trust.context()  # raises for a certificate file that cannot be read
    ca = trust.ca_file.read_text(encoding="utf-8") if trust.ca_file is not None else ""
    return {
        "verify": trust.verify,
        "ca": ca,
        "pin": trust.pin or "",
        "connect_s": settings.connect_timeout_s,
        "read_s": settings.read_timeout_s,
    }


class DistributedLoadClient(BurstClient):
    """Hands requests to the testers, each with the moment to send it, within the budget of the run.

    A tester has no budget of its own and sends only what was handed to it, so requests are counted here.
    """

    engine = "Locust, FastHttpUser"

    def __init__(self, settings: FocusServerSettings, journal: Journal, budget: Budget, testers: LoadTesters) -> None:
        self._base_url = settings.base_url.rstrip("/")
        self._journal, self._budget, self._testers = journal, budget, testers
        self._takers = ThreadPoolExecutor(1, "answers")

    def _send(self, order: BurstOrder) -> Burst:
        """Send a burst. Requests of a tester that is lost stay unanswered, and the burst is stopped for that reason."""
        amount = len(order.bodies)
        if amount > order.caps.requests:
            raise CapExceeded(f"{amount} requests at once are refused: the cap is {order.caps.requests}")
        self._budget.require_at_once(amount)
        with ExitStack() as warming:
            at_once = min(WARMING_AT_ONCE, amount)
            for _ in range(at_once):
                warming.enter_context(self._budget.asking(opens=False))
            places = self._testers.connect(amount, f"{self._base_url}/ack", at_once)
        url = self._base_url + order.path
        payloads = [encoded(body) for body in order.bodies]
        tickets = [
            {"method": order.method, "url": url, "headers": headers_of(payload)}
            | {"body": None if payload is None else payload.decode(), "user": user}
            for payload, (_, user) in zip(payloads, places, strict=False)
        ]
        made = DistributedBurst(
            self._testers, [tester for tester, _ in places], tickets, order.apart_s, order.on_done, self._takers
        )
        burst = made.run(order.caps, self._budget, opens_an_investigation(order.method, order.path), order.stop)
        for payload, sample in zip(payloads, burst.samples, strict=True):
            text = "" if payload is None else payload.decode("utf-8", errors="replace")
            note_exchange(self._journal, asked(order.method, url, text), sample)
        return burst
