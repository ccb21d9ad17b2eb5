"""Runs inside a process of the sandbox: loads one module with its mutant, or records lines.

The switch is a JSON file, read once at the start of the process: `{"module": dotted name, "number": place}` for a
mutant, `{"record": folder, "files": [paths]}` for the lines that each scenario enters; `{}` for neither.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from tools.mutants.places import mutated

PACKAGE = "environments.sandbox."
MARKER = "scenario"
"""The file in a recording folder that names the current scenario."""
_LOOK_S = 0.02


def begin(switch_file: str) -> None:
    """Apply the switch. Raises RuntimeError in a process that does not belong to the sandbox."""
    if not sys.orig_argv[-1].startswith(PACKAGE):
        raise RuntimeError(f"mutants are for the processes of the sandbox only, not for {sys.orig_argv}")
    switch = json.loads(Path(switch_file).read_text(encoding="utf-8"))
    if "module" in switch:
        sys.meta_path.insert(0, finder(switch["module"], switch["number"]))
    elif "record" in switch:
        Recorder(Path(switch["record"]), switch["files"]).start()


def finder(module: str, number: int) -> importlib.abc.MetaPathFinder:
    """Return a finder of this module only, with its mutant. Raises RuntimeError for a module outside the sandbox."""
    if not module.startswith(PACKAGE):
        raise RuntimeError(f"{module} is no module of the sandbox")
    return _Finder(module, number)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, module: str, number: int) -> None:
        self._module, self._number = module, number

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        spec = PathFinder.find_spec(fullname, path)
        assert spec is not None and spec.origin is not None
        spec.loader = _Mutated(fullname, spec.origin, self._number)
        return spec


class _Mutated(SourceFileLoader):
    """Compiles the module itself, so that no mutant gets into the compiled modules that Python keeps."""

    def __init__(self, name: str, path: str, number: int) -> None:
        super().__init__(name, path)
        self._number = number

    def get_code(self, fullname: str) -> CodeType:
        tree = mutated(Path(self.path).read_text(encoding="utf-8"), self._number)
        return compile(tree, self.path, "exec", dont_inherit=True)


class Recorder:
    """Records the lines of `files` that are entered while a scenario runs.

    Each line is appended once, as `path:line`, to a file named by the process id, in a folder for each scenario.
    """

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        self._folder, self._files = folder, frozenset(files)
        self._entered: set[tuple[str, int]] = set()
        self._scenario = self._named()

    def start(self) -> None:
        threading.Thread(target=self._keep, name="recorder", daemon=True).start()
        sys.settrace(self._called)

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self._entered.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line

    def _named(self) -> str:
        return (self._folder / MARKER).read_text(encoding="utf-8")

    def _keep(self) -> None:
        """Write new lines continually, because the process may be killed at any moment; start over for each
        scenario."""
        written: set[tuple[str, int]] = set()
        while True:
            time.sleep(_LOOK_S)
            named = self._named()
            entered = self._entered
            if named != self._scenario:
                self._entered = set()
            if new := entered.copy() - written:
                own = self._folder / self._scenario / str(os.getpid())
                own.parent.mkdir(exist_ok=True)
                with own.open("a", encoding="utf-8") as out:
                    out.writelines(f"{path}:{line}\n" for path, line in sorted(new))
                written |= new
            if named != self._scenario:
                self._scenario, written = named, set()
