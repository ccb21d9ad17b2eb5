"""Runs of behave that begin with its modules loaded already: what ``python -m behave`` does, a second sooner.

A process that has only imported (multiprocessing's fork server) forks for each run, so that runs share nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.files import PROJECT

_LOADED_BEFORE = [
    "behave.configuration",
    "behave.runner_plugin",
    "behave.runner_util",
    "support.runner",
    "support.reporting.writers.console",
    "support.reporting.formatter",
    "support.reporting.publish",
    "support.hooks.session",
    "support.hooks.scenario",
    "support.checks.information",
    "support.model.variations",
    "support.model.windows",
]


class WarmBehave:
    """Start it once; :meth:`run` may be called from several threads at a time."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_LOADED_BEFORE)

    def run(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        console: Path | None,
        within_s: float | None = None,
    ) -> int | None:
        """``python -m behave`` with these arguments and variables; its exit code. What it prints goes to a file, or to
        our own output for None. One that has not ended in time is killed, and answers None."""
        process = self._context.Process(target=_behave, args=(list(arguments), dict(variables), console))
        process.start()
        process.join(within_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            return None
        return process.exitcode


def _behave(arguments: list[str], variables: dict[str, str], console: Path | None) -> None:
    """In the forked process."""
    if console is not None:
        with console.open("wb") as output:
            for descriptor in (1, 2):
                os.dup2(output.fileno(), descriptor)
    os.environ.update(variables)
    os.chdir(PROJECT)
    sys.path.insert(0, str(PROJECT))
    sys.argv = ["behave", *arguments]
    runpy.run_module("behave", run_name="__main__", alter_sys=True)
