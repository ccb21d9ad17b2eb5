"""A whole sandbox under load: two hundred investigations at once, and a long series one after another.

``SANDBOX_GROWTH_JOBS=2000`` sets the number of investigations of the series; the default is smaller.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import pytest

from tests.sandbox.estate.bursts import JOBS, PANDA, Clients
from tests.sandbox.estate.test_lifecycle import Up
from tests.sandbox.estate.test_shortages import _answering, _restarted

AT_ONCE, RUNNING_WITHIN_S, MOST_MEMORY_MIB = 200, 10.0, 1024
GROWTH_JOBS = int(os.environ.get("SANDBOX_GROWTH_JOBS", "120"))
STREAMS = 10
MOST_GROWTH = 1.15
"""Limit of memory at the end relative to that after a third. Checked only if the cluster's history was full by then."""
HISTORY_FULL_AFTER_JOBS = 400
MORE_FILES, MORE_TASKS = 12, 12
"""Tolerance for kept API connections, which come and go: this many more at the end are no growth."""
Scenario = Callable[[Clients], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    # Jobs must survive without clients: 50 s of the real system are 25 s here.
    with Up(tmp_path_factory.mktemp("up") / "run.json", "--set", "time_scale=0.5") as started:
        yield started


def play(up: Up, scenario: Scenario) -> None:
    async def run() -> None:
        async with Clients(up.endpoints) as clients:
            await scenario(clients)

    up.control("POST", "/reset")
    asyncio.run(run())


def processes(up: Up) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = up.control("GET", "/state")["processes"]
    return found


def use(up: Up, what: str) -> dict[str, int]:
    return {name: state["process"][what] for name, state in processes(up).items()}


async def ports(clients: Clients) -> dict[str, int]:
    services = await clients.items(f"{PANDA}/services")
    return {
        service["metadata"]["name"]: service["spec"]["ports"][0]["nodePort"]
        for service in services
        if service["metadata"]["name"].startswith("grpc-service-")
    }


def test_two_hundred_at_once_all_run(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        answers = await clients.open_many(AT_ONCE)
        assert {answer.status for answer in answers} == {200}
        await clients.running(AT_ONCE, RUNNING_WITHIN_S)
        assert len({answer.body["stream_port"] for answer in answers}) == AT_ONCE
        wanted = {f"grpc-service-{answer.job_id}": answer.body["stream_port"] for answer in answers}
        assert await ports(clients) == wanted
        assert sum(use(up, "resident_mib").values()) < MOST_MEMORY_MIB
        assert sorted(processes(up)["focus_server"]["open_jobs"]) == sorted(answer.job_id for answer in answers)

    play(up, scenario)


def test_killed_under_load_the_server_agrees_with_the_cluster(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        burst = asyncio.create_task(clients.open_many(100))
        async with asyncio.timeout(10):
            while not await clients.items(JOBS):
                await asyncio.sleep(0.01)
        os.kill(processes(up)["focus_server"]["pid"], signal.SIGKILL)
        answers = await burst
        assert 0 in {answer.status for answer in answers}
        await _restarted(clients, 1)
        await _answering(clients)
        jobs = {item["metadata"]["name"] for item in await clients.items(JOBS)}
        whole = {name.removeprefix("grpc-job-") for name in jobs if name.startswith("grpc-job-")}
        assert {answer.job_id for answer in answers if answer.status == 200} <= whole
        assert set(processes(up)["focus_server"]["open_jobs"]) == whole
        assert {name.removeprefix("grpc-service-") for name in await ports(clients)} == whole
        assert {name.removeprefix("cleanup-job-") for name in jobs if name.startswith("cleanup-job-")} == whole
        more = await clients.open_many(20)
        assert {answer.status for answer in more} == {200}
        assert len(set((await ports(clients)).values())) == len(whole) + 20

    play(up, scenario)


def test_clients_that_leave_do_not_leave_halves_behind(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        opening = [asyncio.create_task(clients.open()) for _ in range(60)]
        async with asyncio.timeout(10):
            while not await clients.items(JOBS):
                await asyncio.sleep(0.01)
        for task in opening[::2]:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        async with asyncio.timeout(20):
            while True:
                jobs = [item["metadata"]["name"] for item in await clients.items(JOBS)]
                parts = [
                    {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
                    for prefix, names in (
                        ("grpc-job-", jobs), ("cleanup-job-", jobs), ("grpc-service-", await ports(clients)),
                    )
                ]  # fmt: skip
                if parts[0] == parts[1] == parts[2] == set(processes(up)["focus_server"]["open_jobs"]):
                    break
                await asyncio.sleep(0.05)
        kept = {task.result().job_id for task in opening[1::2]}
        assert kept <= parts[0]

    play(up, scenario)


async def _one_after_another(clients: Clients, amount: int) -> None:
    for _ in range(amount):
        answer = await clients.open()
        assert answer.status == 200, answer.body
        await clients.release(answer.job_id)


async def _many(clients: Clients, amount: int) -> None:
    await asyncio.gather(*(_one_after_another(clients, amount // STREAMS) for _ in range(STREAMS)))


async def _settled(up: Up, clients: Clients, wanted: Mapping[str, Any]) -> None:
    """Wait until nothing is left of the investigations. Events may stay for a while."""
    async with asyncio.timeout(30):
        while True:
            now = {kind: number for kind, number in _objects(up).items() if wanted[kind] != number}
            if not now and not processes(up)["focus_server"]["busy_slots"]:
                return
            await asyncio.sleep(0.05)


def _objects(up: Up) -> dict[str, int]:
    kinds = processes(up)["kubernetes"]
    return {kind: number for kind, number in kinds.items() if kind not in ("events", "process")}


@pytest.mark.nightly
def test_many_one_after_another_leave_nothing_behind(up: Up) -> None:
    async def scenario(clients: Clients) -> None:
        wanted = _objects(up)
        await _many(clients, GROWTH_JOBS // 3)
        await _settled(up, clients, wanted)
        before = {what: use(up, what) for what in ("resident_mib", "open_files", "tasks")}
        await _many(clients, GROWTH_JOBS - GROWTH_JOBS // 3)
        await _settled(up, clients, wanted)
        after = {what: use(up, what) for what in before}
        print(json.dumps({"before": before, "after": after}))
        for name in before["tasks"]:
            assert after["open_files"][name] <= before["open_files"][name] + MORE_FILES, name
            assert after["tasks"][name] <= before["tasks"][name] + MORE_TASKS, name
        if GROWTH_JOBS // 3 >= HISTORY_FULL_AFTER_JOBS:
            memory = {when: sum(each["resident_mib"].values()) for when, each in (("b", before), ("a", after))}
            assert memory["a"] <= MOST_GROWTH * memory["b"], memory

    play(up, scenario)
