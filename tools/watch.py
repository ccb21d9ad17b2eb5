"""``focus-acceptance watch``: run a feature file as soon as it is saved, on a sandbox that stays warm.

Libraries are loaded before the first save. The suite's own code is loaded by each run, in its current version.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from watchfiles import watch

from support.clients.sandbox.control import ControlError, SandboxControl
from support.clients.sandbox.embedded import EmbeddedSandbox, SandboxError
from support.config import ConfigurationError, load_environment
from support.files import PROJECT
from support.gherkin.tags import problem_with
from support.hooks.signals import ENDS_WITH, terminated_like_interrupted
from tools.fault_matrix.warm import WarmBehave, libraries

WATCHED = [PROJECT / name for name in ("features", "steps", "support")]
_DEBOUNCE_MS = 50
"""An editor writes a file in several steps; changes within this time count as one save."""


def run(tags: str, run_file: Path | None, reports: Path) -> int:
    """Watch until Ctrl-C. Returns exit code 2 for tags that cannot be used and for a sandbox that does not start."""
    if problem := problem_with(tags):
        print(f"watch: {problem}", file=sys.stderr)
        return 2
    sandbox: EmbeddedSandbox | None = None
    try:
        with terminated_like_interrupted():
            environment = load_environment("sandbox", run_file=run_file)
            if run_file is None:
                sandbox = EmbeddedSandbox(environment.sandbox.settings)
                run_file = sandbox.start().run_file
                environment = load_environment("sandbox", run_file=run_file)
            assert environment.control is not None
            control = SandboxControl(environment.control)
            behave = WarmBehave(libraries(), change=True)
            behave.run(["--version"], {}, Path(os.devnull))  # the fork server loads its modules before the first save
            print("watching features/, steps/ and support/: save a file and it runs; Ctrl-C ends", flush=True)
            rerun(saved(WATCHED), _arguments(tags, run_file, reports), control.reset, behave)
    except (ConfigurationError, SandboxError, ControlError) as error:
        print(f"watch: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
    finally:
        if sandbox is not None:
            sandbox.stop()
    return 0


def _arguments(tags: str, run_file: Path, reports: Path) -> list[str]:
    """Return the arguments of a run, which writes only its record. The history is kept of whole runs only."""
    userdata = {"sandbox_run_file": run_file, "reports": reports, "history": "", "publish": "record"}
    given = [word for name, value in userdata.items() for word in ("-D", f"{name}={value}")]
    return [*given, *([f"--tags={tags}"] if tags else [])]


def saved(folders: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the feature files of each save that still exist. After a save of code, yield those that were saved last."""
    last: list[Path] = []
    for changes in watch(*folders, debounce=_DEBOUNCE_MS, step=_DEBOUNCE_MS, watch_filter=_matters):
        files = sorted({Path(path) for _, path in changes if Path(path).is_file()})
        features = [file for file in files if file.suffix == ".feature"]
        last = features or [file for file in last if file.is_file()]
        if files and last:
            yield last
        elif files:
            print("code is saved: save a feature file and it runs with it", flush=True)


def _matters(change: object, path: str) -> bool:
    return path.endswith((".feature", ".py"))


def rerun(saves: Iterator[list[Path]], arguments: list[str], reset: Callable[[], None], behave: WarmBehave) -> None:
    """Run the saved files, each time on a sandbox in its first state, and print the duration."""
    variables = {ENDS_WITH: str(os.getpid())}
    for files in saves:
        began = time.monotonic()
        code = behave.run([*arguments, *map(str, files)], variables, None)
        verdict = {0: "green", 2: "not judged"}.get(code or 0, "red")
        print(f"{verdict} after {time.monotonic() - began:.1f} s; watching", flush=True)
        reset()
