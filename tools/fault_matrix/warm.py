"""Runs of behave that start with loaded modules: the same as ``python -m behave``, but a second faster.

A process that has only imported modules (multiprocessing's fork server) forks for each run, so that runs share nothing.
"""

from __future__ import annotations

import compileall
import gc
import importlib
import multiprocessing
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType

from support.files import PROJECT
from support.hooks.signals import ends_like_a_program

_PREPARED = "tools.fault_matrix.prepared"
_SUITE = (
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
)


class WarmBehave:
    """Starts runs of behave. Create it once; :meth:`run` may be called from several threads at a time.

    ``loaded_before`` are the modules that a run finds loaded. A run loads all others itself, in their current version.
    If modules ``change``, a run keeps no compiled code, because Python cannot distinguish two saves within a second by
    it.
    """

    def __init__(self, loaded_before: Sequence[str] = (*_SUITE, _PREPARED), change: bool = False) -> None:
        self._change = change
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(loaded_before))

    def run(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        console: Path | None,
        within_s: float | None = None,
    ) -> int | None:
        """Run ``python -m behave`` with these arguments and variables, and return its exit code. The output goes to
        ``console``, or to our own output if it is None. A run that has not ended in time is killed, and the result is
        None."""
        process = self._context.Process(target=_behave, args=(list(arguments), dict(variables), console, self._change))
        process.start()
        try:
            process.join(within_s)
        except KeyboardInterrupt:
            process.join()  # Ctrl-C reached the run too: it undoes its changes and reports that
            raise
        if process.exitcode is None:
            process.kill()
            process.join()
            return None
        return process.exitcode


def libraries() -> list[str]:
    """Return the modules that the suite loads and that are not its own, in loading order."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_loaded_by_the_suite).result()


def _loaded_by_the_suite() -> list[str]:
    """Import the suite in a process that loads nothing else, and keep its compiled code."""
    sys.dont_write_bytecode = False
    for name in _SUITE:
        importlib.import_module(name)
    compileall.compile_dir(PROJECT / "support", quiet=2)
    return [name for name, module in list(sys.modules.items()) if _is_of_others(name, module)]


def _is_of_others(name: str, module: ModuleType) -> bool:
    """Whether a module belongs to a library or to Python itself, and is not only a second name of a module."""
    found = getattr(module, "__spec__", None)
    if found is None or found.name != name or name.startswith("__"):
        return False
    place = Path(found.origin or sys.prefix)
    return not place.is_relative_to(PROJECT) or place.is_relative_to(sys.prefix)


@ends_like_a_program()
def _behave(arguments: list[str], variables: dict[str, str], console: Path | None, change: bool) -> None:
    """Run behave in the forked process."""
    sys.dont_write_bytecode = sys.dont_write_bytecode or change
    gc.freeze()  # the garbage collector skips what is already loaded
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the suite installs its own handler
    if console is not None:
        with console.open("wb") as output:
            for descriptor in (1, 2):
                os.dup2(output.fileno(), descriptor)
    os.environ.update(variables)
    os.chdir(PROJECT)
    sys.path.insert(0, str(PROJECT))
    sys.argv = ["behave", *arguments]
    try:
        runpy.run_module("behave", run_name="__main__", alter_sys=True)
    except Exception as error:  # noqa: BLE001  # what cannot be loaded, in one sentence
        print(_told(error), file=sys.stderr)
        sys.exit(1)


def _told(error: Exception) -> str:
    """Return the place of an error and its message."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {error.msg}: {(error.text or '').strip()}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}: {type(error).__name__}: {error}"
