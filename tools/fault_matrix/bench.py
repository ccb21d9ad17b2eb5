"""A dedicated sandbox, and runs of the suite against it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from support.clients.sandbox.control import ControlError, SandboxControl
from support.clients.sandbox.embedded import EmbeddedSandbox
from support.config.models import Control
from support.fault_catalogue import Fault
from tools.fault_matrix.judgement import Run
from tools.fault_matrix.rows import Row
from tools.fault_matrix.warm import WarmBehave

_FOR_FAULTS = {"FOCUS__CAPACITY__GENERATOR_SHARE": "0.5"}
"""Several sandboxes share the memory and the caches of the machine, even when only one is at work. Faults are judged by
answers within 5 s and by the first cause found, so a generator that adds half of the 300 ms of its self-check is good
enough."""
_ENDS_WITHIN_S = 10.0


class MatrixError(Exception):
    """The matrix could not be run at all; the message is one sentence."""


class Bench:
    """A sandbox that starts with this object, and its runs. Each run leaves a folder below ``reports``."""

    def __init__(
        self,
        settings: Mapping[str, int | float | str],
        reports: Path,
        tags: str,
        behave: WarmBehave,
        options: Iterable[str] = (),
        variables: Mapping[str, str] | None = None,
        parallel: int = 1,
    ) -> None:
        """``parallel`` is the number of scenarios that a run executes at a time, unless they exclude each other."""
        self._reports = reports
        self._parallel = parallel
        self._tags = tags
        self._behave = behave
        self.sandbox = EmbeddedSandbox(settings, options, variables)
        self._run_file = self.sandbox.start().run_file
        self.control = SandboxControl(Control(**json.loads(self._run_file.read_text(encoding="utf-8"))["control"]))

    def close(self) -> None:
        self.control.close()
        self.sandbox.stop()

    def with_fault(self, name: str, fault: Fault, rows: Iterable[Row]) -> Run:
        """Run these rows with the fault switched on."""
        if fault.is_switch:
            self.control.switch_on(fault.id)
        try:
            return self.with_variables_of(fault, name, rows)
        finally:
            self._reset(name)

    def _reset(self, name: str) -> None:
        """Reset the sandbox. Raises :class:`MatrixError` with its last words if it no longer runs."""
        try:
            self.control.reset()
        except ControlError as error:
            words = self.sandbox.last_words(_ENDS_WITHIN_S)
            raise MatrixError(
                f"after the run {name} {error}" + (f"; its last words: {words}" if words else "")
            ) from error

    def with_variables_of(self, fault: Fault, name: str, rows: Iterable[Row]) -> Run:
        """Run these rows with the variables of the fault; does not switch it on."""
        return self.run(name, rows, {**_FOR_FAULTS, **fault.environment})

    def run(
        self,
        name: str,
        rows: Iterable[Row],
        variables: Mapping[str, str],
        options: Iterable[str] = (),
        within_s: float | None = None,
    ) -> Run:
        """Run these rows, as far as the tags allow; ``options`` are additional options of behave.

        Raises :class:`MatrixError` if the run leaves no record, or takes longer than allowed and has to be ended.
        """
        folder = self._reports / name
        folder.mkdir(parents=True)
        arguments = ["-D", "env=sandbox", "-D", f"sandbox_run_file={self._run_file}", "-D", f"reports={folder}"]
        # Only the record of the run is needed.
        arguments += ["-D", "history=", "-D", "publish=record", "-D", f"parallel={self._parallel}"]
        arguments += [*options, f"--tags={self._tags}", *(row.place for row in rows)]
        console, record = folder / "console.txt", folder / "run.json"
        if self._behave.run(arguments, variables, console, within_s) is None:
            raise MatrixError(f"the run {name} did not end within {within_s:g} s; see {console}")
        if not record.is_file():
            raise MatrixError(f"the run {name} left no record; see {console}")
        content = json.loads(record.read_text(encoding="utf-8"))
        scenarios = {entry["id"]: entry for entry in content["scenarios"]}
        return Run(scenarios, sum(entry["duration_s"] for entry in content["scenarios"]))
