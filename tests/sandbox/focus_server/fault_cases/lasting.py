"""Fault cases: a server that is slow, or that changes after a while."""

from __future__ import annotations

import http.client
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from environments.sandbox.focus_server.faults.clients import (
    BURST,
    OPENINGS,
    SLOW_ALONE_S,
    SLOW_AMONG_MANY_S,
    SLOW_AMONG_OPENINGS_S,
    TOLD_LATE_S,
)
from environments.sandbox.focus_server.faults.leftovers import LEFT_EACH
from environments.sandbox.focus_server.faults.leftovers import LOADED_FROM_JOBS as MANY_JOBS
from environments.sandbox.focus_server.faults.loads import (
    AFTER_LOAD_S,
    ENDED,
    ENDS_AT,
    FAILS_EACH,
    HEAVY_NFFT,
    LOADED_FROM_JOBS,
    LOOKUPS_AT_ONCE,
    SLOW_S,
    SLOWER_S,
    WEAR_S,
    WORN_OUT_FROM,
    WORN_S,
)
from tests.sandbox.focus_server.estate import Estate, until
from tests.sandbox.focus_server.fault_cases.cases import INSIDE, case, opened
from tests.sandbox.process_runner import start_process


@case("openings-slow", "openings-slower-than-before")
def _(estate: Estate, fault: str) -> None:
    least_s = {"openings-slow": SLOW_S, "openings-slower-than-before": SLOWER_S}[fault]
    assert estate.configure().duration_s >= least_s


@case("slow-after-load")
def _(estate: Estate) -> None:
    assert estate.configure().given_s < AFTER_LOAD_S
    with_open_jobs_besides(estate, LOADED_FROM_JOBS)
    assert estate.configure().given_s < AFTER_LOAD_S
    for name in estate.kubernetes.names("jobs"):
        estate.kubernetes.remove("jobs", name)
    until(lambda: not estate.process.request("state")["open_jobs"])
    assert estate.configure().duration_s >= AFTER_LOAD_S


@case("slower-with-every-job")
def _(estate: Estate) -> None:
    assert [estate.configure().duration_s for _ in range(6)][-1] >= 5 * WEAR_S


@case("slower-after-a-hundred-openings")
def _(estate: Estate) -> None:
    """Refused openings count towards the slow-down too, and are faster to send."""
    for _ in range(WORN_OUT_FROM):
        estate.configure(view_type="9")
    assert estate.configure().given_s < 50 * WORN_S
    for _ in range(49):
        estate.configure(view_type="9")
    assert estate.configure().duration_s >= 50 * WORN_S


def asked_at_once(estate: Estate) -> set[tuple[int, str]]:
    """The failed answers to simultaneous requests for recorded data; a single request succeeds."""
    assert estate.configure(**INSIDE).status == 200
    with ThreadPoolExecutor(2 * LOOKUPS_AT_ONCE) as pool:
        answers = list(pool.map(lambda _: estate.configure(**INSIDE), range(2 * LOOKUPS_AT_ONCE)))
    assert 200 in {answer.status for answer in answers}
    return {(answer.status, answer.body.decode()) for answer in answers if answer.status != 200}


@case("lookups-fail-among-many")
def _(estate: Estate) -> None:
    assert {status for status, _ in asked_at_once(estate)} == {500}


@case("lookups-scan-among-many")
def _(estate: Estate) -> None:
    ((status, text),) = asked_at_once(estate)
    assert status == 503 and "Cannot look up recordings: MongoDB is not reachable" in text


@case("storage-full-among-many")
def _(estate: Estate) -> None:
    ((status, text),) = asked_at_once(estate)
    assert status == 503 and "No space left on device" in text


@case("every-fourth-opening-fails")
def _(estate: Estate) -> None:
    assert [estate.configure().status for _ in range(FAILS_EACH)] == [200] * (FAILS_EACH - 1) + [503]


@case("ends-now-and-then")
def _(estate: Estate) -> None:
    assert {estate.configure().status for _ in range(ENDS_AT - 1)} == {200}
    with pytest.raises((ConnectionError, http.client.HTTPException, ssl.SSLError)):
        estate.configure()
    assert estate.process.stop() == ENDED
    estate.process = start_process("focus_server", {**estate.config, "faults": []})


@case("heavy-configurations-refused")
def _(estate: Estate) -> None:
    assert estate.configure(nfftSelection=HEAVY_NFFT).status == 503 and estate.configure().status == 200


@case("leftovers-after-load", "leftovers-now-and-then")
def _(estate: Estate, fault: str) -> None:
    if fault == "leftovers-after-load":
        with_open_jobs_besides(estate, MANY_JOBS)
    answers = [opened(estate) for _ in range(LEFT_EACH)]
    for answer in answers:
        job_id = answer["job_id"]
        for plural, name in (("jobs", "grpc-job"), ("jobs", "cleanup-job"), ("services", "grpc-service")):
            estate.kubernetes.remove(plural, f"{name}-{job_id}")
    until(lambda: len(estate.kubernetes.names("services")) == 1)


@case("health-check-slow", "channels-slow", "live-metadata-slow")
def _(estate: Estate, fault: str) -> None:
    path, least_s = {
        "health-check-slow": ("/ack", SLOW_ALONE_S),
        "channels-slow": ("/channels", TOLD_LATE_S),
        "live-metadata-slow": ("/live_metadata", TOLD_LATE_S),
    }[fault]
    assert estate.call("GET", path).duration_s >= least_s


@case("health-check-slow-under-load")
def _(estate: Estate) -> None:
    assert estate.call("GET", "/ack").given_s < SLOW_AMONG_MANY_S
    with ThreadPoolExecutor(BURST) as pool:
        answers = list(pool.map(lambda _: estate.call("GET", "/ack"), range(BURST)))
    assert max(answer.duration_s for answer in answers) >= SLOW_AMONG_MANY_S


def with_open_jobs_besides(estate: Estate, amount: int) -> None:
    """Create ``amount`` jobs of other users, in addition to open ones."""
    for slot in range(101, 101 + amount):
        estate.kubernetes.put("jobs", f"grpc-job-{slot}-1")
    until(lambda: len(estate.process.request("state")["open_jobs"]) >= amount)


@case("health-check-slow-among-openings")
def _(estate: Estate) -> None:
    assert estate.call("GET", "/ack").given_s < SLOW_AMONG_OPENINGS_S
    for _ in range(OPENINGS):
        opened(estate)
    assert estate.call("GET", "/ack").duration_s >= SLOW_AMONG_OPENINGS_S
