"""Processor time the suite did not get is measured and does not count towards its deadlines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from support import processor, waits
from support.processor import Heartbeat

WAITS = """
import sys, time
from hamcrest import equal_to
from support import waits
print("waiting", flush=True)
began = time.monotonic()
try:
    waits.until(lambda: 1, equal_to(2), within_s=1.0, what="two")
except AssertionError as error:
    print(f"{time.monotonic() - began:.3f} {error}".replace(chr(10), " "))
"""
STOPPED_S = 1.5


def test_a_deadline_is_extended_by_how_long_the_process_was_stopped_and_says_so() -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        threading.Event().wait(0.2)
        os.kill(child.pid, signal.SIGSTOP)
        stopped_s = time.monotonic()
        threading.Event().wait(STOPPED_S)
        os.kill(child.pid, signal.SIGCONT)
        stopped_s = time.monotonic() - stopped_s
        wall_s, text = child.communicate()[0].split(" ", 1)
    assert float(wall_s) >= 1.0 + stopped_s - 0.1
    assert "did not let the suite run" in text
    assert "of 1.00 s (and" in text


def test_a_crowded_machine_gives_a_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "share_given", lambda: 0.25)
    heart = Heartbeat()
    before_s, began_s = heart.lost_s(), time.monotonic()
    threading.Event().wait(0.4)
    wall_s = time.monotonic() - began_s
    assert heart.lost_s() - before_s >= 0.75 * (wall_s - 2 * processor.BEAT_S)
    assert heart.given_since(began_s, before_s) <= 0.25 * wall_s + 3 * processor.BEAT_S


def test_a_crowded_machine_takes_a_part_of_a_short_time_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of a whole beat was taken from the call in which it ended, and nothing from the others."""
    monkeypatch.setattr(processor, "share_given", lambda: 0.25)
    heart = Heartbeat()
    heart.lost_s()
    threading.Event().wait(3 * processor.BEAT_S)
    given, walls = 0.0, 0.0
    for _ in range(40):
        before_s, began_s = heart.lost_s(), time.monotonic()
        threading.Event().wait(0.005)
        wall_s = time.monotonic() - began_s
        given, walls = given + heart.given_since(began_s, before_s), walls + wall_s
    assert given <= 0.5 * walls


def test_a_thread_that_computes_has_the_processor_though_the_heartbeat_waits_for_it() -> None:
    watch = waits.Stopwatch()
    used_s = time.thread_time()
    sum(range(10_000_000))  # one call, which lets no other thread run
    used_s = time.thread_time() - used_s
    assert used_s > processor.BEAT_S + processor.TOLERATED_S
    assert watch.given_s() >= used_s


def test_the_processor_time_of_another_thread_is_not_that_of_the_stopwatch() -> None:
    """A client is created by one thread and looked at by another, which may have computed for long before."""
    created: list[waits.Stopwatch] = []
    sum(range(10_000_000))
    thread = threading.Thread(target=lambda: created.append(waits.Stopwatch()))
    thread.start()
    thread.join()
    given_s = created[0].given_s()
    assert given_s <= created[0].wall_s()


@pytest.mark.parametrize(("runnable", "share"), [(1, 1.0), (4, 1.0), (8, 0.5), (25, 0.16)])
def test_the_share_is_what_each_of_the_runnable_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runnable: int, share: float
) -> None:
    load = tmp_path / "loadavg"
    load.write_text(f"7.59 5.95 3.99 {runnable}/312 4711\n")
    monkeypatch.setattr(processor, "_LOAD", load)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert processor.share_given() == pytest.approx(share)


def test_a_kernel_that_does_not_tell_takes_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "_LOAD", tmp_path / "missing")
    assert processor.share_given() == 1.0


def test_the_time_of_observation_is_time_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "share_given", lambda: 0.5)
    monkeypatch.setattr(processor, "heartbeat", Heartbeat())
    began_s = time.monotonic()
    assert waits.settle(lambda: ["left"], within_s=0.3) == ["left"]
    assert time.monotonic() - began_s >= 0.5
