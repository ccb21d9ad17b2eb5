"""Work that every run of the suite would repeat before its first scenario.

The process that runs are forked from imports this module, so that each run finds the work done. The results are cached
by the modules that compute them: step patterns by :mod:`re`, the hosts that the environment files protect by
:mod:`support.config.production`, which checks whether a file has changed since.
"""

from __future__ import annotations

import contextlib

from behave import step_registry
from behave.runner_util import load_step_modules

from support.config import load_environment
from support.files import PROJECT


def _prepare() -> None:
    with contextlib.suppress(Exception):  # each run meets the same error and reports it
        load_environment("sandbox")
        load_step_modules([str(PROJECT / "steps")])
    step_registry.registry.clear()  # each run loads its own steps


_prepare()
