"""Fault cases: a server whose MongoDB or RabbitMQ is unavailable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from environments.sandbox.focus_server import hooks
from environments.sandbox.focus_server.faults.outages import LEFT_EACH, RABBITMQ_POD
from environments.sandbox.focus_server.queues import JobQueues
from tests.sandbox.focus_server.estate import Estate, until
from tests.sandbox.focus_server.fault_cases.cases import INSIDE, case
from tests.sandbox.process_runner import ProcessFailed, start_process


@contextmanager
def mongodb_away(estate: Estate) -> Iterator[None]:
    estate.mongodb.silent.set()
    try:
        yield
    finally:
        estate.mongodb.silent.clear()


def asked_while_away(estate: Estate) -> tuple[int, str]:
    with mongodb_away(estate):
        answer = estate.configure(**INSIDE)
    return answer.status, str(answer.json["error"])


@case("outage-answered-500")
def _(estate: Estate) -> None:
    assert asked_while_away(estate) == (500, "Error parsing configuration")


@case("outage-not-named")
def _(estate: Estate) -> None:
    assert asked_while_away(estate) == (503, "Service unavailable")


@case("outage-answered-late")
def _(estate: Estate) -> None:
    """The answer comes after the client's time limit."""
    estate.patience_s = 10.0
    with pytest.raises(TimeoutError):
        asked_while_away(estate)


@case("outage-starts-a-job")
def _(estate: Estate) -> None:
    assert asked_while_away(estate)[0] == 503
    assert any(name.startswith("grpc-job-") for name in estate.kubernetes.objects["jobs"])


@case("never-recovers", "recovers-only-after-a-restart")
def _(estate: Estate, fault: str) -> None:
    assert asked_while_away(estate)[0] == 503
    assert estate.configure(**INSIDE).status == 503
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": [fault]})
    assert estate.configure(**INSIDE).status == (503 if fault == "never-recovers" else 200)
    estate.process.set_faults()
    assert estate.configure(**INSIDE).status == 200
    estate.process.set_faults(fault)
    assert estate.configure(**INSIDE).status == 200, "it remembers what was before it was switched on"


@case("outage-takes-a-service")
def _(estate: Estate) -> None:
    assert estate.configure(**INSIDE).status == 200
    assert asked_while_away(estate)[0] == 503
    assert [len(estate.kubernetes.objects[kind]) for kind in ("jobs", "services")] == [2, 0]


def gets_no_answer(estate: Estate) -> bool:
    try:
        assert estate.configure(**INSIDE).status == 503
    except OSError:
        return True
    return False


@case("restarts-to-recover")
def _(estate: Estate) -> None:
    assert asked_while_away(estate)[0] == 503
    until(lambda: gets_no_answer(estate), within_s=20.0)  # once the driver has found MongoDB again
    estate.process.stop()
    estate.process = start_process("focus_server", estate.config)


@case("outage-fails-live")
def _(estate: Estate) -> None:
    with mongodb_away(estate):
        assert estate.configure().status == 500
    until(lambda: estate.configure().status == 200, within_s=20.0)


@case("broker-outage-fails-live")
def _(estate: Estate) -> None:
    assert [estate.configure().status, estate.configure(**INSIDE).status] == [500, 200]
    metadata = {"name": RABBITMQ_POD, "namespace": "panda", "uid": RABBITMQ_POD}
    estate.kubernetes.put("pods", RABBITMQ_POD, metadata=metadata, spec={"containers": []})
    assert estate.configure().status == 200
    estate.kubernetes.remove("pods", RABBITMQ_POD)


@case("outage-hangs-live")
def _(estate: Estate) -> None:
    began_s = time.monotonic()
    with mongodb_away(estate):
        assert estate.configure().status == 200
    assert time.monotonic() - began_s > 5.0


@case("outage-stops-health-checks")
def _(estate: Estate) -> None:
    with mongodb_away(estate):
        assert estate.call("GET", "/ack").status == 503
    until(lambda: estate.call("GET", "/ack").status == 200, within_s=20.0)


@case("crash-loop-without-mongodb", "crash-loop-without-rabbitmq")
def _(estate: Estate, fault: str) -> None:
    """The cluster of these tests has no RabbitMQ at all."""
    estate.process.stop()
    with mongodb_away(estate):
        try:
            start_process("focus_server", {**estate.config, "faults": [fault]})
            started = True
        except ProcessFailed:
            started = False
    assert not started
    estate.process = start_process("focus_server", estate.config)


@case("restart-ends-open-investigations")
def _(estate: Estate) -> None:
    assert estate.configure().status == 200
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": ["restart-ends-open-investigations"]})
    until(lambda: not any(name.startswith("grpc-job-") for name in estate.kubernetes.objects["jobs"]), within_s=20.0)


@case("fibre-forgotten-after-restart")
def _(estate: Estate) -> None:
    assert estate.configure().status == 200
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": ["fibre-forgotten-after-restart"]})
    assert [estate.configure().status for _ in range(2)] == [503, 503]


@case("recordings-forgotten-after-restart")
def _(estate: Estate) -> None:
    assert estate.configure(**INSIDE).status == 200
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": ["recordings-forgotten-after-restart"]})
    assert [estate.configure(**INSIDE).status, estate.configure().status] == [404, 200]


@case("health-check-forgotten-after-restart")
def _(estate: Estate) -> None:
    forgotten = "health-check-forgotten-after-restart"
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": [forgotten]})
    assert [estate.call("GET", "/ack").status, estate.configure().status] == [503, 200]


@case("queue-left-behind")
def _(estate: Estate) -> None:
    """Without a broker no queue can be left behind, so this checks which queues the server decides to delete."""

    async def deleted(*faults: str) -> list[str]:
        await hooks.switch(faults)
        found = JobQueues.to_delete(None, ["grpc-job-1-2-3.5", "focus_baby.1-2"])  # type: ignore[arg-type]
        await hooks.switch(())
        return found

    assert asyncio.run(deleted()) == ["grpc-job-1-2-3.5", "focus_baby.1-2"]
    assert asyncio.run(deleted("queue-left-behind")) == ["focus_baby.1-2"]


@case("queues-left-now-and-then")
def _(estate: Estate) -> None:
    """Likewise: of ten investigations the last one's queues are not deleted."""

    async def deleted() -> list[int]:
        await hooks.switch(["queues-left-now-and-then"])
        found = [len(JobQueues.to_delete(None, ["focus_baby.1-2"])) for _ in range(LEFT_EACH)]  # type: ignore[arg-type]
        await hooks.switch(())
        return found

    assert asyncio.run(deleted()) == [1] * (LEFT_EACH - 1) + [0]
