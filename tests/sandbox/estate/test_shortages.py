"""A whole sandbox that is too small, or whose Focus Server crashes: the answers to clients and the cluster's state."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from tests.sandbox.estate.bursts import PANDA, Clients
from tests.sandbox.estate.test_lifecycle import Up

SLICES, MAY_WAIT, ASKED = 6, 2, 20
UNSCHEDULABLE = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "2 Insufficient nvidia.com/gpu.shared. no new claims to deallocate, preemption: 0/3 nodes are available: "
    "1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
)
Scenario = Callable[[Clients], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    # Jobs must survive without clients: 50 s of the real system are 25 s here.
    small = (f"gpu_slices={SLICES}", f"waiting_jobs={MAY_WAIT}", "time_scale=0.5", "configure_ms=0")
    arguments = (part for setting in small for part in ("--set", setting))
    with Up(tmp_path_factory.mktemp("up") / "run.json", *arguments) as started:
        yield started


def play(up: Up, scenario: Scenario, *faults: str) -> None:
    """Run a scenario on a sandbox that has just been reset."""

    async def run() -> None:
        async with Clients(up.endpoints) as clients:
            await scenario(clients)

    up.control("POST", "/reset")
    for fault in faults:
        up.control("PUT", f"/faults/{fault}")
    asyncio.run(run())


async def _why_pending(clients: Clients) -> Counter[str]:
    reasons = Counter[str]()
    for pod in (await clients.pods_of_jobs()).values():
        for condition in pod["status"].get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                reasons[condition["message"]] += 1
    return reasons


def test_beyond_its_capacity_the_server_refuses_and_starts_nothing(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        answers = await clients.open_many(ASKED)
        assert Counter(answer.status for answer in answers) == {200: SLICES + MAY_WAIT, 503: ASKED - SLICES - MAY_WAIT}
        refusals = {answer.body["error"] for answer in answers if answer.status == 503}
        short = f"GPU slices (nvidia.com/gpu.shared): 0 of {SLICES} free, {MAY_WAIT} waiting"
        assert refusals == {f"Cannot open an investigation: no room in the cluster for one more: {short}"}
        await clients.running(SLICES, within_s=10)
        opened = {f"grpc-job-{answer.job_id}" for answer in answers if answer.status == 200}
        assert set(await clients.pods_of_jobs()) == opened
        services = {item["metadata"]["name"] for item in await clients.items(f"{PANDA}/services")}
        assert sum(name.startswith("grpc-service-") for name in services) == SLICES + MAY_WAIT

    play(up, scenario)


def test_a_server_that_does_not_look_leaves_pods_that_cannot_be_scheduled(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        assert {answer.status for answer in await clients.open_many(ASKED)} == {200}
        await clients.running(SLICES, within_s=10)
        assert await _why_pending(clients) == {UNSCHEDULABLE: ASKED - SLICES}

    play(up, scenario, "gpu-slices-short-unnoticed")


async def _focus_container(clients: Clients) -> dict[str, Any]:
    pods = await clients.items(f"{PANDA}/pods?labelSelector=app.kubernetes.io/name=panda-panda-focus-server")
    container: dict[str, Any] = pods[0]["status"]["containerStatuses"][0]
    return container


async def _restarted(clients: Clients, times: int) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while (container := await _focus_container(clients))["restartCount"] < times or not container["ready"]:
            await asyncio.sleep(0.05)
    return container


async def _answering(clients: Clients) -> None:
    async with asyncio.timeout(20):
        while (await clients.open({})).status != 422:
            await asyncio.sleep(0.05)


def test_a_server_that_crashes_is_started_again_by_its_node(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        assert 0 in {answer.status for answer in await clients.open_many(70)}
        container = await _restarted(clients, 1)
        ended = container["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (1, "Error")
        await _answering(clients)

    play(up, scenario, "crash-at-60-jobs", "capacity-not-checked")


def test_a_killed_server_continues_where_the_cluster_is(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        before = [answer.job_id for answer in await clients.open_many(3)]
        os.kill(up.control("GET", "/state")["processes"]["focus_server"]["pid"], signal.SIGKILL)
        container = await _restarted(clients, 1)
        assert container["lastState"]["terminated"]["exitCode"] == 128 + signal.SIGKILL
        await _answering(clients)
        after = await clients.open()
        assert after.status == 200 and after.job_id.partition("-")[0] == "4"
        assert {f"grpc-job-{job_id}" for job_id in (*before, after.job_id)} == set(await clients.pods_of_jobs())

    play(up, scenario)


def test_state_is_told_while_a_process_comes_and_goes(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        loop = asyncio.get_running_loop()
        pid = up.control("GET", "/state")["processes"]["focus_server"]["pid"]
        os.kill(pid, signal.SIGKILL)
        told = await asyncio.gather(*(loop.run_in_executor(None, up.control, "GET", "/state") for _ in range(40)))
        servers = [each["processes"]["focus_server"] for each in told]
        assert [server for server in servers if "open_jobs" not in server]
        await _answering(clients)
        assert "open_jobs" in up.control("GET", "/state")["processes"]["focus_server"]

    play(up, scenario)


def test_a_fault_named_by_another_is_on_with_it_and_off_with_it(up: Up) -> None:
    assert up.control("PUT", "/faults/gpu-slices-short-unnoticed")["active"] is True
    assert up.control("GET", "/faults/capacity-not-checked")["active"] is False
    up.control("DELETE", "/faults/gpu-slices-short-unnoticed")
    assert up.control("GET", "/state")["faults"] == []
