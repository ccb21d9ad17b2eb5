"""Fixtures and signal handling shared by all tests.

A shell that runs the tests in the background makes them ignore Ctrl-C, and nohup makes them ignore the end of the
terminal. Child processes inherit both. The tests therefore restore both signals to their state at an interactive
terminal. Windows has no signal for the end of a terminal.
"""

from __future__ import annotations

import gc
import signal
from typing import Any

import pytest

from support.hooks.signals import end_with_the_one_who_waits
from tests.scheduling import WholeFiles, longest_first

signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
end_with_the_one_who_waits()


gc.disable()
"""Until the tests are collected: what that makes stays, and to examine it again and again takes a second."""


def pytest_collection_finish() -> None:
    """Let the garbage collector skip what every test has in common: thousands of collected tests and all modules. To
    examine that takes half a second each time, which the tests of a few seconds and of speed would notice."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    return WholeFiles(config, log)
