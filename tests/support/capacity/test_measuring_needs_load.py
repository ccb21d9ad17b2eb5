"""The clients refuse to measure if the environment permits no load, no matter which tags the scenario has."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from support.capacity.load.recovery import Probes, Quiet
from support.clients.journal import Journal
from support.clients.safety import Budget, SafetyError, SafetyPolicy
from support.latency.answers import Latency
from support.product.rough_clients import RoughClients
from support.stability.patterns import at_intervals
from support.stability.steady_state import Stability


class Limits:
    """The limits of a site, all with the same value."""

    time_scale = 1.0
    ack_concurrency = 100

    def deadline(self, name: str) -> float:
        return 1.0

    def __getattr__(self, name: str) -> float:
        return 1.0


SITE: Any = SimpleNamespace(
    limits=Limits(),
    capacity=SimpleNamespace(recovery_factor=1.2),
    focus_server=SimpleNamespace(read_timeout_s=1.0),
    kubernetes=SimpleNamespace(services=SimpleNamespace(focus_server=SimpleNamespace(pod_selector="app=server"))),
)
NOBODY: Any = SimpleNamespace(open_briefly=None, ack=None, channels=None, live_metadata=None)
"""A client that must not be used: a request to it fails with another error than the expected one."""


def latency(budget: Budget) -> Latency:
    return Latency(NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, SITE, budget)


MEASURING: dict[str, Callable[[Budget], object]] = {
    "PF-01a and PF-03a": lambda budget: latency(budget).openings(),
    "PF-02a": lambda budget: latency(budget).health_checks(),
    "PF-02b": lambda budget: latency(budget).health_checks_at_once(),
    "PF-02c": lambda budget: latency(budget).channels(),
    "PF-02d": lambda budget: latency(budget).live_metadata(),
    "SB-02a": lambda budget: Stability(NOBODY, NOBODY, NOBODY, NOBODY, SITE, budget, NOBODY).live(at_intervals),
    "SB-05d": lambda budget: RoughClients(SITE, Journal(), budget, NOBODY).ask_all_at_once(),
    "CA-05a before": lambda budget: Probes(NOBODY, SITE, budget).quiet(),
    "CA-05a after": lambda budget: Probes(NOBODY, SITE, budget).recover(Quiet((1.0,))),
}


@pytest.mark.parametrize("scenario", MEASURING)
def test_it_is_refused_before_anything_is_asked(scenario: str) -> None:
    with pytest.raises(SafetyError, match="'production' does not permit to .*: safety.load is not true"):
        MEASURING[scenario](Budget(SafetyPolicy("production")))
