"""The registry of fault cases: for each fault of the Focus Server, the check of its observable effect."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.sandbox.focus_server.estate import Answer, Estate, ago, seconds

CASES: dict[str, Callable[[Estate], None]] = {}
START = ago(hours=9)
INSIDE = {"start_time": seconds(START) + 5, "end_time": seconds(START) + 35}
NOWHERE = {"start_time": 1000, "end_time": 2000}


def case(*ids: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def register(check: Callable[..., None]) -> Callable[..., None]:
        for fault in ids:
            CASES[fault] = partial(check, fault=fault) if len(ids) > 1 else check
        return check

    return register


def opened(estate: Estate, **changes: Any) -> Any:
    answer = estate.configure(**changes)
    assert answer.status == 200, answer.body
    return answer.json


def job(estate: Estate, **changes: Any) -> Any:
    return estate.kubernetes.objects["jobs"][f"grpc-job-{opened(estate, **changes)['job_id']}"]


def container(estate: Estate, **changes: Any) -> Any:
    return job(estate, **changes)["spec"]["template"]["spec"]["containers"][0]


def listing(estate: Estate, start_time: int, end_time: int) -> Answer:
    return estate.call("POST", "/recordings_in_time_range", {"start_time": start_time, "end_time": end_time})
