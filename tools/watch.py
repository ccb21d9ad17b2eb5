"""``focus-acceptance watch``: a feature file that is saved runs at once, on a sandbox that stays warm."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import watch

from support.clients.sandbox.control import ControlError, SandboxControl
from support.clients.sandbox.embedded import EmbeddedSandbox, SandboxError
from support.config import ConfigurationError, load_environment
from support.files import PROJECT
from tools.fault_matrix.warm import WarmBehave

_DEBOUNCE_MS = 50
"""An editor writes a file in several steps; what comes within this time is one save."""


def run(tags: str, run_file: Path | None, reports: Path) -> int:
    """Until Ctrl-C. Exit code 2 for a sandbox that does not start."""
    sandbox: EmbeddedSandbox | None = None
    try:
        environment = load_environment("sandbox", run_file=run_file)
        if run_file is None:
            sandbox = EmbeddedSandbox(environment.sandbox.settings)
            run_file = sandbox.start().run_file
            environment = load_environment("sandbox", run_file=run_file)
        assert environment.control is not None
        control = SandboxControl(environment.control)
        arguments = ["-D", f"sandbox_run_file={run_file}", "-D", f"reports={reports}", "-D", "history="]
        arguments += ["-D", "publish=record", *([f"--tags={tags}"] if tags else [])]
        behave = WarmBehave()
        behave.run(["--version"], {}, Path(os.devnull))  # what loads modules is loaded before the first save
        print("watching features/: save a file and it runs; Ctrl-C ends", flush=True)
        rerun(saved(PROJECT / "features"), arguments, control.reset, behave)
    except (ConfigurationError, SandboxError, ControlError) as error:
        print(f"watch: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
    finally:
        if sandbox is not None:
            sandbox.stop()
    return 0


def saved(folder: Path) -> Iterator[list[Path]]:
    """The feature files of each save that are still there."""
    for changes in watch(folder, debounce=_DEBOUNCE_MS, step=_DEBOUNCE_MS, watch_filter=_is_feature):
        files = sorted({Path(path) for _, path in changes if Path(path).is_file()})
        if files:
            yield files


def _is_feature(change: object, path: str) -> bool:
    return path.endswith(".feature")


def rerun(saves: Iterator[list[Path]], arguments: list[str], reset: Callable[[], None], behave: WarmBehave) -> None:
    """Run what was saved, each time on a sandbox as new, and tell how long that took."""
    for files in saves:
        began = time.monotonic()
        code = behave.run([*arguments, *map(str, files)], {}, None)
        print(f"{'green' if code == 0 else 'red'} after {time.monotonic() - began:.1f} s; watching", flush=True)
        reset()
