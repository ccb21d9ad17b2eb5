"""Puts a mutant into a sandbox that stays up, and runs scenarios against it until one notices it."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments.sandbox.supervisor.forked import CHANGED
from support.clients.sandbox.control import ControlError
from support.clients.sandbox.embedded import SandboxError
from tools.fault_matrix.bench import Bench, MatrixError
from tools.fault_matrix.judgement import Run
from tools.fault_matrix.rows import Row
from tools.fault_matrix.warm import WarmBehave
from tools.mutants.lines import BEFORE_ALL, keep_duration, name_scenario, recording_in
from tools.mutants.mutant import Mutant, MutantsError

OVERLAY = Path(__file__).parent / "overlay"
SWITCH = "FOCUS_MUTANTS_SWITCH"
STARTED_AGAIN = "focus_server"
"""The process that a running sandbox restarts when it is gone. A mutant of any other process needs a new sandbox."""
TAGS = "not (@wip or @quarantine)"
KILLED, SURVIVED, UNTRIED = "killed", "survived", "untried"
AT_START = "start"
_BATCHES = (4, 12, 24)
"""Sizes of the first batches of scenarios; one last batch has all others. A batch ends with its first failure."""
_SPEAKS_OF_TIME = re.compile(
    r"waited|within|after \d|in time|took|late|deadline|time(d )?out|\d m?s\b|connect|answer(ed)? nothing"
)
"""Words in a failure that a busy machine may cause as well as a mutant."""
_LONGEST_S, _LONGEST_STEP_S, _LONGEST_LOAD_S = 60.0, 8.0, 60.0
"""Time limits of a batch: a base, and an amount for each scenario, or for each one with a load."""
_GONE_WITHIN_S, _LOOK_S = 10.0, 0.01
_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Result:
    """The result of a mutant.

    ``by`` is the scenario that noticed it, or ``start`` when its process did not start or broke on the first request.
    It is ``untried`` when the run could not be completed, or when a busy machine may have caused each failure: when the
    scenario runs again with and without the mutant at the same moment, it does not fail only with the mutant.
    """

    id: str
    at: str
    line: int
    operator: str
    words: str
    verdict: str
    by: str
    reason: str
    scenarios_run: int
    duration_s: float


class Laboratory:
    """One sandbox and the runs against it; ``folder`` holds their records."""

    def __init__(self, settings: Mapping[str, int | float | str], folder: Path, behave: WarmBehave) -> None:
        self._settings, self._folder, self._behave = settings, folder, behave
        self._folder.mkdir(parents=True, exist_ok=True)
        self._switch = (folder / "switch.json").resolve()
        self._bench: Bench | None = None
        self._healthy: Laboratory | None = None
        self._in: Mutant | None = None
        self._runs = sum(1 for _ in folder.glob("[0-9]*"))

    def close(self) -> None:
        """End its sandbox and the healthy one beside it."""
        self._end_sandbox()
        healthy, self._healthy = self._healthy, None
        if healthy is not None:
            healthy.close()

    def _end_sandbox(self) -> None:
        bench, self._bench = self._bench, None
        if bench is not None:
            bench.close()

    def try_mutant(self, mutant: Mutant, rows: Sequence[Row]) -> Result:
        """Run these scenarios in their order until one of them fails."""
        started_s = time.monotonic()
        try:
            verdict, by, reason, ran = self._verdict(mutant, rows)
        except MutantsError as error:
            verdict, by, reason, ran = UNTRIED, "", str(error), 0
            if self._has_ended():
                verdict, by = KILLED, AT_START
            self._end_sandbox()
        place, duration_s = mutant.place, round(time.monotonic() - started_s, 2)
        return Result(
            mutant.id, mutant.at, place.line, place.operator, place.words, verdict, by, reason, ran, duration_s
        )

    def _has_ended(self) -> bool:
        """Whether the sandbox ended by itself, because a process broke after it had started with the mutant."""
        bench = self._bench
        if bench is None:
            return False
        with suppress(MutantsError):
            _wait_until(lambda: bench.sandbox.pid is None, "a process of the sandbox broke, and it goes on")
        return bench.sandbox.pid is None

    def record(self, row: Row, files: Sequence[str]) -> None:
        """Run a scenario while the processes of the sandbox record which lines of these files they enter."""
        folder = recording_in(self._folder)
        if self._bench is None:
            folder.mkdir(exist_ok=True, parents=True)
            name_scenario(folder, BEFORE_ALL)
            self._start({"record": str(folder.resolve()), "files": list(files)})
        name_scenario(folder, row.id)
        run = self.run([row])
        if row.id in run.passed():
            keep_duration(folder, row.id, run.duration_s)

    def run(self, rows: Sequence[Row]) -> Run:
        """Run the rows. Raises :class:`MutantsError` if the run leaves no record or does not end."""
        assert self._bench is not None
        self._runs += 1
        within_s = _LONGEST_S + sum(_LONGEST_LOAD_S if row.is_load else _LONGEST_STEP_S for row in rows)
        try:
            return self._bench.run(f"{self._runs:04d}", rows, {}, ["--stop"], within_s)
        except MatrixError as error:
            raise MutantsError(str(error)) from error

    def _verdict(self, mutant: Mutant, rows: Sequence[Row]) -> tuple[str, str, str, int]:
        if not rows:
            return SURVIVED, "", "no scenario enters it", 0
        problem = self._put(mutant)
        if problem is not None:
            return KILLED, AT_START, problem, 0
        ran, doubtful = 0, ("", "")
        for batch in _batches(rows):
            left = batch
            while left:
                run = self.run(left)
                bad = {name: reason for name, reason in run.bad().items() if name not in run.undecided()}
                ran += len(run.passed()) + len(bad)
                for name, reason in bad.items():
                    if self._is_noticed(run, name, reason, left):
                        return KILLED, name, reason, ran
                    doubtful = name, reason
                left = _not_reached(left, run)
        return (UNTRIED, *doubtful, ran) if any(doubtful) else (SURVIVED, "", "", ran)

    def _is_noticed(self, run: Run, name: str, reason: str, rows: Sequence[Row]) -> bool:
        """Whether a scenario that failed has noticed the mutant, and not a busy machine."""
        if run.scenarios[name]["status"] != "error" and not _SPEAKS_OF_TIME.search(reason):
            return True
        with_mutant, without = self._beside_a_healthy_one([row for row in rows if row.id == name])
        return name in with_mutant.bad() and name in without.passed()

    def _beside_a_healthy_one(self, rows: Sequence[Row]) -> tuple[Run, Run]:
        """Run the rows with the mutant and, at the same moment, without it on a second sandbox. A busy machine disturbs
        both runs, the mutant only one."""
        if self._healthy is None:
            self._healthy = Laboratory(self._settings, self._folder / "healthy", self._behave)
            self._healthy._put(None)
        with ThreadPoolExecutor(1) as beside:
            without = beside.submit(self._healthy.run, rows)
            return self.run(rows), without.result()

    def _put(self, mutant: Mutant | None) -> str | None:
        """Make this the only mutant in the sandbox. Returns the reason if its process does not start with it, or
        None."""
        before, self._in = self._in, mutant
        concerned = {one.process for one in (before, mutant) if one is not None}
        content = {} if mutant is None else {"module": mutant.full_name, "number": mutant.place.number}
        try:
            if self._bench is None or concerned - {STARTED_AGAIN}:
                self._end_sandbox()
                self._start(content)
            else:
                self._start_again(self._bench, content)
        except (SandboxError, ControlError) as error:
            self._end_sandbox()
            if mutant is None:
                raise MutantsError(f"the sandbox does not start without a mutant: {error}") from error
            return str(error)
        return None

    def _start(self, content: Mapping[str, Any]) -> None:
        self._switch.write_text(json.dumps(content), encoding="utf-8")
        path = os.pathsep.join(filter(None, (str(OVERLAY), os.environ.get("PYTHONPATH"))))
        variables = {"PYTHONPATH": path, SWITCH: str(self._switch)}
        if "record" not in content:
            changed = {STARTED_AGAIN, *((self._in.process,) if self._in is not None else ())}
            variables[CHANGED] = ",".join(sorted(changed))
        self._bench = Bench(self._settings, self._folder, TAGS, self._behave, variables=variables)

    def _start_again(self, bench: Bench, content: Mapping[str, Any]) -> None:
        """Kill the process that can be restarted, and reset the sandbox, after which that process runs again."""
        self._switch.write_text(json.dumps(content), encoding="utf-8")
        pid = _process_of(bench.sandbox.pid, f"environments.sandbox.{STARTED_AGAIN}")
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            gone = f"the process {STARTED_AGAIN} was killed, and the sandbox does not notice it"
            _wait_until(lambda: not _PROCESSES.joinpath(str(pid)).exists(), gone)
        bench.control.reset()


def _process_of(parent: int | None, module: str) -> int | None:
    """Return the child process that runs this module. The sandbox is not asked for it: its answer would come from the
    process with the mutant, and a defect there could end that process before any scenario looks at it."""
    children = _PROCESSES / str(parent) / "task" / str(parent) / "children"
    for pid in children.read_text(encoding="ascii").split():
        with suppress(FileNotFoundError):
            if module.encode() in (_PROCESSES / pid / "cmdline").read_bytes().split(b"\0"):
                return int(pid)
    return None


def _wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Wait until ``is_so``. Raises :class:`MutantsError` if that takes too long: a killed process ends at once, and
    only its detection takes time."""
    end_s = time.monotonic() + _GONE_WITHIN_S
    while not is_so():
        if time.monotonic() > end_s:
            raise MutantsError(otherwise)
        time.sleep(_LOOK_S)


def _not_reached(rows: Sequence[Row], run: Run) -> list[Row]:
    """Return the rows that a run did not reach, because it ends with the first failure."""
    over = run.passed() | run.bad().keys()
    return [row for row in rows if row.id not in over] if run.bad() else []


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield batches with the scenarios of a file together, because behave reads a file for each change of files."""
    begin = 0
    for amount in (*_BATCHES, len(rows)):
        batch = sorted(rows[begin : begin + amount], key=lambda row: row.place)
        begin += amount
        if batch:
            yield batch
