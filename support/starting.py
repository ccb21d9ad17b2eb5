"""Handling of Ctrl-C while the other modules are imported. This one is imported first, so that an early Ctrl-C ends
with a message that nothing was touched.

This applies only if behave is the program that runs, or the module that becomes it (`support/hooks/launch.py`). In any
other program, Ctrl-C keeps its meaning.
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
    """Leave Ctrl-C to the run from here on, also if this process was forked with the default action, which ends it."""
    if signal.getsignal(signal.SIGINT) in (_nothing_was_begun, signal.SIG_DFL):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_a_run() -> bool:
    """Whether Python runs behave, or was called with the module that becomes behave. While Python looks for a module to
    run, and imports this package for it, its name is known from the command line only."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    called_with = " ".join(sys.orig_argv[1:])
    return getattr(spec, "name", "") == "behave.__main__" or called_with.startswith("-m support.hooks.launch ")


if _is_a_run():
    signal.signal(signal.SIGINT, _nothing_was_begun)
