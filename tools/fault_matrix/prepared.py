"""What every run of the suite does before its first scenario and the next one would do again: imported by the process
that runs are forked from, so that each of them finds it done.

What is remembered is kept by what remembers it: patterns of steps by :mod:`re`, the hosts that the environment files
protect by :mod:`support.config.production`, which looks whether a file has changed since.
"""

from __future__ import annotations

import contextlib

from behave import step_registry
from behave.runner_util import load_step_modules

from support.config import load_environment
from support.files import PROJECT


def _prepare() -> None:
    with contextlib.suppress(Exception):  # each run meets it too, and says what it is
        load_environment("sandbox")
        load_step_modules([str(PROJECT / "steps")])
    step_registry.registry.clear()  # each run has steps of its own


_prepare()
