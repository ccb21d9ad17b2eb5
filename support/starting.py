"""Imported first of all: Ctrl-C while all the rest is still being loaded ends in our words, and nothing was begun.

Only where behave is the program that runs; in any other, Ctrl-C means what it means there.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any


def _nothing_was_begun(number: int, frame: Any) -> None:
    os.write(2, b"interrupted before the run had begun: nothing was touched\n")
    os._exit(1)


def begun() -> None:
    """From here on Ctrl-C is the business of the run; also where whoever forked this process left it to end it."""
    if signal.getsignal(signal.SIGINT) in (_nothing_was_begun, signal.SIG_DFL):
        signal.signal(signal.SIGINT, signal.default_int_handler)


if getattr(getattr(sys.modules["__main__"], "__spec__", None), "name", "") == "behave.__main__":
    signal.signal(signal.SIGINT, _nothing_was_begun)
