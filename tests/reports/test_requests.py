"""Statistics of requests: grouped by route, without ids and hosts, with quantiles that are measured values."""

from __future__ import annotations

from support.reporting.record.requests import request_times

BASE = "https://10.0.0.1:5000/focus-server"


def test_requests_are_grouped_by_route() -> None:
    calls = [
        (f"POST {BASE}/configure", 0.2),
        (f"GET {BASE}/metadata/1-16", 0.1),
        (f"GET {BASE}/metadata/1-160?x=1", 0.3),
        (f"DELETE {BASE}/job/1-16", 0.1),
        (f"GET {BASE}/configure", 0.1),
        (f"GET {BASE}/nowhere/1-16", 0.1),
        (f"BREW {BASE}/ack", 0.1),
    ]
    found = {times.request: times.count for times in request_times(calls, BASE)}
    assert found == {
        "POST /configure": 1,
        "GET /metadata/{job_id}": 2,
        "DELETE /job/{job_id}": 1,
        "GET /configure": 1,
        "GET other": 1,
        "other /ack": 1,
    }


def test_quantiles_are_nearest_ranks() -> None:
    (times,) = request_times([(f"GET {BASE}/ack", seconds / 1000) for seconds in range(100, 0, -1)], BASE)
    assert times.quantiles_s == {"0.5": 0.05, "0.95": 0.095, "0.99": 0.099}
    assert (times.count, times.max_s, round(times.sum_s, 6)) == (100, 0.1, 5.05)


def test_one_request_is_every_quantile() -> None:
    (times,) = request_times([(f"GET {BASE}/ack", 0.5)], BASE)
    assert set(times.quantiles_s.values()) == {0.5}
