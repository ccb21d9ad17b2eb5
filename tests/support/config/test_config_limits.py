"""Deadlines of the cluster shrink with the time scale; those for answers of servers do not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from support.config import Limits, load_environment
from support.config.limits import CLUSTER_DEADLINES


@pytest.mark.parametrize(
    ("name", "real_s", "sandbox_s"),
    [("job_visible", 10, 1.2), ("job_running_s", 30, 1.6), ("idle_cleanup", 60, 2.2), ("finished_cleanup_s", 120, 3.4)],
)
def test_deadlines(name: str, real_s: float, sandbox_s: float) -> None:
    assert Limits().deadline(name) == real_s
    assert Limits(time_scale=0.02, overhead_s=1.0).deadline(name) == pytest.approx(sandbox_s)


def test_a_server_that_starts_gets_the_time_of_its_loading_too() -> None:
    limits = Limits(time_scale=0.02, overhead_s=1.0, start_overhead_s=3.0)
    assert limits.deadline("pod_ready") == pytest.approx(120 * 0.02 + 1.0 + 3.0)
    assert limits.deadline("pod_gone") == pytest.approx(30 * 0.02 + 1.0)


def test_observation() -> None:
    assert Limits().observation_s == pytest.approx(5.05)
    assert load_environment("sandbox", overrides={}).limits.observation_s == pytest.approx(0.15)


@pytest.mark.parametrize("name", ["refusal_s", "mongodb_connect", "ping_samples", "time_scale", "nonsense", ""])
def test_what_the_cluster_does_not_do_is_not_scaled(name: str) -> None:
    with pytest.raises(
        ValueError, match="is not a deadline of the cluster; those are all_open_s, cancelled_s, failed_released_s, "
    ):
        Limits().deadline(name)


def test_the_deadlines_of_the_cluster() -> None:
    assert {
        "job_visible_s",
        "job_running_s",
        "port_open_s",
        "idle_cleanup_s",
        "finished_cleanup_s",
        "failed_released_s",
        "release_s",
    } <= CLUSTER_DEADLINES
    assert "mongodb_connect_s" not in CLUSTER_DEADLINES


def test_settings_cannot_be_changed() -> None:
    sandbox = load_environment("sandbox", overrides={})
    with pytest.raises(ValidationError):
        sandbox.safety.load = False  # type: ignore[misc]  # that it is refused is what is tested
