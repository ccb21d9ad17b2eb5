"""The clock of the sandbox: it excludes time in which the operating system did not run the process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import pytest

from environments.sandbox.shared.clock import BEAT_S, TOLERATED_S, GivenTime, GivenTimeLoop, after_wall_s, wall_s

SLEEPER = """
import asyncio, time
from environments.sandbox.shared.clock import GivenTimeLoop
async def sleep():
    print("sleeping", flush=True)
    began = time.monotonic()
    await asyncio.sleep(1.0)
    print(time.monotonic() - began)
with asyncio.Runner(loop_factory=GivenTimeLoop) as runner:
    runner.run(sleep())
"""
STOPPED_S = 1.5


class Wall:
    """Wall time, moved by the test."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def test_given_time_is_that_of_the_wall_while_the_loop_turns() -> None:
    wall = Wall()
    clock = GivenTime(wall, lambda: 1.0)
    for _ in range(100):
        wall.at_s += BEAT_S
        clock.now()
    assert clock.now() == pytest.approx(wall.at_s)


def test_a_standstill_counts_as_one_beat() -> None:
    wall = Wall()
    clock = GivenTime(wall, lambda: 1.0)
    wall.at_s += 60.0
    assert clock.now() == pytest.approx(100.0 + BEAT_S)


def test_a_turn_that_is_a_little_late_is_no_standstill() -> None:
    wall = Wall()
    clock = GivenTime(wall, lambda: 1.0)
    wall.at_s += BEAT_S + TOLERATED_S
    assert clock.now() == pytest.approx(wall.at_s)


def test_a_crowd_slows_the_clock_down() -> None:
    wall = Wall()
    clock = GivenTime(wall, lambda: 0.25)
    clock.now()
    for _ in range(40):
        wall.at_s += BEAT_S
        clock.now()
    assert clock.now() == pytest.approx(100.0 + 0.25 * 40 * BEAT_S)


def test_a_sleep_of_a_process_that_was_stopped_is_as_much_longer() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "sleeping\n"
        threading.Event().wait(0.2)
        os.kill(child.pid, signal.SIGSTOP)
        stopped_s = time.monotonic()
        threading.Event().wait(STOPPED_S)
        os.kill(child.pid, signal.SIGCONT)
        stopped_s = time.monotonic() - stopped_s
        slept_s = float(child.communicate()[0])
    assert slept_s >= 1.0 + stopped_s - 2 * BEAT_S


def test_timers_of_a_loop_follow_its_clock() -> None:
    async def timer() -> float:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.2)
        return loop.time() - began_s

    with asyncio.Runner(loop_factory=GivenTimeLoop) as runner:
        assert runner.run(timer()) >= 0.19


def test_what_a_program_outside_counts_is_of_the_wall() -> None:
    """A MongoDB driver, for example, waits one second of wall time longer than the limit it sent to the server."""

    async def both() -> tuple[float, bool]:
        slept = asyncio.create_task(asyncio.sleep(0.3))
        began_s = time.monotonic()
        await after_wall_s(0.3)
        return time.monotonic() - began_s, slept.cancel()

    crowded = GivenTimeLoop(GivenTime(share=lambda: 0.1))
    with asyncio.Runner(loop_factory=lambda: crowded) as runner:
        took_s, still_asleep = runner.run(both())
    assert took_s >= 0.3 and still_asleep


def test_who_no_longer_waits_for_the_wall_is_not_woken() -> None:
    async def leaves() -> None:
        after_wall_s(0.05).cancel()
        await after_wall_s(0.1)

    with asyncio.Runner(loop_factory=GivenTimeLoop) as runner:
        runner.run(leaves())


def test_watches_whose_clients_have_left_are_not_kept_until_their_time_is_over() -> None:
    async def come_and_go() -> int:
        stay, left = [after_wall_s(3600) for _ in range(20)], []
        for _ in range(5_000):
            watch = after_wall_s(3600)
            left.append(weakref.ref(watch))
            watch.cancel()
        assert not any(one.done() for one in stay)
        return sum(one() is not None for one in left)

    with asyncio.Runner(loop_factory=GivenTimeLoop) as runner:
        assert runner.run(come_and_go()) < 200


def test_a_library_that_counts_the_wall_is_told_what_given_seconds_are_by_it() -> None:
    async def asked() -> float:
        await asyncio.sleep(2 * BEAT_S)  # the loop measures once per beat how crowded the machine is
        return wall_s(1.5)

    with asyncio.Runner(loop_factory=lambda: GivenTimeLoop(GivenTime(share=lambda: 0.5))) as runner:
        assert runner.run(asked()) == pytest.approx(3.0)
    assert asyncio.run(asked()) == 1.5
