"""What all tests share.

A shell that runs the tests in the background has them ignore Ctrl-C, nohup the end of the terminal, and their children
inherit that: the tests of both begin as a person at a terminal has it. Windows knows no end of a terminal.
"""

from __future__ import annotations

import signal
from typing import Any

import pytest

from support.hooks.signals import end_with_the_one_who_waits
from tests.scheduling import WholeFiles, longest_first

signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
end_with_the_one_who_waits()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    return WholeFiles(config, log)
