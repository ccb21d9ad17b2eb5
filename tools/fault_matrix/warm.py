"""Runs of behave that begin with modules loaded already: what ``python -m behave`` does, a second sooner.

A process that has only imported (multiprocessing's fork server) forks for each run, so that runs share nothing.
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
    """Start it once; :meth:`run` may be called from several threads at a time.

    ``loaded_before`` is what a run finds loaded. All else it loads itself, as the files are at that time; it keeps no
    compiled code where they ``change``, because Python cannot tell two saves within a second apart by it.
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
        """``python -m behave`` with these arguments and variables; its exit code. What it prints goes to a file, or to
        our own output for None. One that has not ended in time is killed, and answers None."""
        process = self._context.Process(target=_behave, args=(list(arguments), dict(variables), console, self._change))
        process.start()
        try:
            process.join(within_s)
        except KeyboardInterrupt:
            process.join()  # Ctrl-C has told it too: it undoes what it has changed, and says so
            raise
        if process.exitcode is None:
            process.kill()
            process.join()
            return None
        return process.exitcode


def libraries() -> list[str]:
    """The modules that the suite loads and that are not its own, in the order in which it does."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_loaded_by_the_suite).result()


def _loaded_by_the_suite() -> list[str]:
    """In a process of its own, which loads nothing else, and keeps what it has compiled of the suite."""
    sys.dont_write_bytecode = False
    for name in _SUITE:
        importlib.import_module(name)
    compileall.compile_dir(PROJECT / "support", quiet=2)
    return [name for name, module in list(sys.modules.items()) if _is_of_others(name, module)]


def _is_of_others(name: str, module: ModuleType) -> bool:
    """A library, or Python itself; not one that is there under a second name only."""
    found = getattr(module, "__spec__", None)
    if found is None or found.name != name or name.startswith("__"):
        return False
    place = Path(found.origin or sys.prefix)
    return not place.is_relative_to(PROJECT) or place.is_relative_to(sys.prefix)


@ends_like_a_program()
def _behave(arguments: list[str], variables: dict[str, str], console: Path | None, change: bool) -> None:
    """In the forked process."""
    sys.dont_write_bytecode = sys.dont_write_bytecode or change
    gc.freeze()  # what is there already is looked through by nobody
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the suite says what Ctrl-C means
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
    """The place and what is wrong there."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {error.msg}: {(error.text or '').strip()}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}: {type(error).__name__}: {error}"
