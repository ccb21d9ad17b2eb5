"""Fault cases: a server that is full or busy."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

import pytest

from environments.sandbox.focus_server.faults.loads import FEW_WORKERS, SLOW_FROM_JOBS, VERY_SLOW_S, WORKER_HELD_S
from environments.sandbox.focus_server.faults.opening import CRASH_AT_JOBS, CRASHED
from environments.sandbox.focus_server.manifests import GPU_RESOURCE
from tests.sandbox.focus_server.estate import Estate, until
from tests.sandbox.focus_server.fault_cases.cases import case, opened
from tests.sandbox.process_runner import start_process


def full_cluster(estate: Estate) -> None:
    """Make a foreign pod take the worker's only GPU slice, and four more wait for one."""
    container = {"name": "c", "resources": {"requests": {GPU_RESOURCE: "1"}}}
    for number in range(5):
        spec = {"containers": [container], **({} if number else {"nodeName": "worker"})}
        metadata = {"name": f"pod-{number}", "uid": f"uid-{number}", "namespace": "other"}
        estate.kubernetes.put("pods", f"pod-{number}", metadata=metadata, spec=spec)
    estate.offer(gpu_slices=1)


def empty_cluster(estate: Estate) -> None:
    for number in range(5):
        estate.kubernetes.remove("pods", f"pod-{number}")
    estate.offer()


FULL = "GPU slices (nvidia.com/gpu.shared): 0 of 1 free, 5 waiting"


@contextmanager
def beyond_capacity(estate: Estate, fault: str) -> Iterator[None]:
    """A cluster so full that a server without faults refuses; after that check the fault is switched on again.

    The server is restarted first. Otherwise the room it promised to earlier openings would count as taken, since
    nothing creates their pods here.
    """
    estate.process.set_faults()
    estate.restart()
    first = opened(estate)["job_id"]
    full_cluster(estate)
    try:
        until(lambda: FULL in estate.process.request("state")["room"], within_s=20.0)
        refused = estate.configure()
        assert refused.status == 503 and f"no room in the cluster for one more: {FULL}" in refused.json["error"]
        assert estate.kubernetes.names("services") == [f"grpc-service-{first}"]
        estate.process.set_faults(fault)
        yield
    finally:
        empty_cluster(estate)
        until(lambda: FULL not in estate.process.request("state")["room"], within_s=20.0)


@case("capacity-not-checked", "promised-room-given-again")
def _(estate: Estate, fault: str) -> None:
    with beyond_capacity(estate, fault):
        opened(estate)


@case("beyond-capacity-answered-500")
def _(estate: Estate) -> None:
    with beyond_capacity(estate, "beyond-capacity-answered-500"):
        assert estate.configure().status == 500


@case("beyond-capacity-starts-half-a-job")
def _(estate: Estate) -> None:
    with beyond_capacity(estate, "beyond-capacity-starts-half-a-job"):
        assert estate.configure().status == 503
        assert len(estate.kubernetes.names("services")) == 2 and len(estate.kubernetes.names("jobs")) == 2


@case("beyond-capacity-stops-a-job")
def _(estate: Estate) -> None:
    with beyond_capacity(estate, "beyond-capacity-stops-a-job"):
        assert estate.configure().status == 503
        assert not [name for name in estate.kubernetes.names("jobs") if name.startswith("grpc-job-")]


@case("nodeport-range-full")
def _(estate: Estate) -> None:
    full = "Internal error occurred: failed to allocate a nodePort: range is full"
    estate.kubernetes.refuse = lambda manifest: None if "nodePort" in str(manifest["spec"]) else (500, full)
    answer = estate.configure()
    assert answer.status == 503 and full in answer.json["error"] and not estate.kubernetes.names("services")


@case("few-workers")
def _(estate: Estate) -> None:
    started_s = time.monotonic()
    with ThreadPoolExecutor(3 * FEW_WORKERS) as pool:
        answers = list(pool.map(lambda _: estate.configure(), range(3 * FEW_WORKERS)))
    assert {answer.status for answer in answers} == {200}
    assert time.monotonic() - started_s >= 2 * WORKER_HELD_S
    assert estate.configure().given_s < WORKER_HELD_S / 2


def with_open_jobs(estate: Estate, amount: int) -> None:
    for slot in range(101, 101 + amount):
        estate.kubernetes.put("jobs", f"grpc-job-{slot}-1")
    until(lambda: len(estate.process.request("state")["open_jobs"]) == amount)


@case("slow-from-100-jobs")
def _(estate: Estate) -> None:
    with_open_jobs(estate, SLOW_FROM_JOBS - 1)
    assert estate.configure().given_s < VERY_SLOW_S <= estate.configure().duration_s


@case("crash-at-60-jobs")
def _(estate: Estate) -> None:
    with_open_jobs(estate, CRASH_AT_JOBS - 2)
    assert estate.configure().status == 200
    with pytest.raises((ConnectionError, http.client.HTTPException, ssl.SSLError)):
        estate.configure()
    assert "can't start new thread" in estate.process.log_tail() and estate.process.stop() == CRASHED
    estate.process = start_process("focus_server", {**estate.config, "faults": []})


@case("mongodb-pool-exhausted")
def _(estate: Estate) -> None:
    estate.mongodb.answers_pings.clear()  # five have a connection, and the others wait until the first is refused
    with ThreadPoolExecutor(24) as pool:
        openings = [pool.submit(estate.configure) for _ in range(24)]
        try:
            next(as_completed(openings, timeout=60))
        finally:
            estate.mongodb.answers_pings.set()
    answers = [opening.result() for opening in openings]
    assert {answer.status for answer in answers} == {200, 503}
    text = "WaitQueueTimeoutError: Timed out while checking out a connection from connection pool. maxPoolSize: 5"
    refusals = [answer.json["error"] for answer in answers if answer.status == 503]
    assert any(f"Cannot look up recordings: no connection to MongoDB became free: {text}" in each for each in refusals)
