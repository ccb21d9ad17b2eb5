"""Runs over many mutants: side by side, with each result written at once, so that a run can be resumed."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from support.files import write_atomically
from tools.fault_matrix.rows import Row
from tools.fault_matrix.warm import WarmBehave
from tools.mutants.mutant import Mutant
from tools.mutants.trial import Laboratory, Result

Settings = Mapping[str, int | float | str]
T = TypeVar("T")
_TOGETHER = 60
"""Number of mutants that are grouped by process, because a mutant of another process needs a new sandbox."""


class ResultsFile:
    """A file with one line for each result. An incomplete line, left by a run that was killed, is not read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()

    def begin_with(self, results: Mapping[str, Result]) -> None:
        """Replace the content of the file by these results."""
        write_atomically(self._path, "".join(map(_line, results.values())))

    def add(self, result: Result) -> None:
        with self._writing, self._path.open("a", encoding="utf-8") as out:
            out.write(_line(result))

    def read(self) -> dict[str, Result]:
        """Return the last result of each mutant, by id."""
        text = self._path.read_text(encoding="utf-8") if self._path.is_file() else ""
        whole = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return {result.id: result for result in (Result(**json.loads(line)) for line in whole)}


def _line(result: Result) -> str:
    return json.dumps(asdict(result)) + "\n"


def try_all(
    mutants: Sequence[Mutant], scenarios: Callable[[Mutant], Sequence[Row]], laboratories: Sequence[Laboratory],
    report: Callable[[Result], None], is_over: Callable[[], bool],
) -> None:  # fmt: skip
    """Try each mutant with its scenarios, until it ``is_over``. ``report`` is called with each result at once, from
    several threads. Mutants under way when the run is ended are not reported, because their sandboxes end too."""
    ending = threading.Event()

    def attempt(laboratory: Laboratory, mutant: Mutant) -> None:
        result = laboratory.try_mutant(mutant, scenarios(mutant))
        if not ending.is_set():
            report(result)

    for begin in range(0, len(mutants), _TOGETHER):
        together = sorted(mutants[begin : begin + _TOGETHER], key=lambda one: one.process)
        _share(together, laboratories, attempt, is_over, ending)


def record(
    rows: Sequence[Row], files: Sequence[str], laboratories: Sequence[Laboratory], is_over: Callable[[], bool]
) -> None:
    """Run each scenario by itself, and let the sandbox record the lines of the files that it enters."""

    def attempt(laboratory: Laboratory, row: Row) -> None:
        laboratory.record(row, files)

    _share(rows, laboratories, attempt, is_over, threading.Event())


def _share(
    work: Sequence[T],
    laboratories: Sequence[Laboratory],
    do: Callable[[Laboratory, T], None],
    is_over: Callable[[], bool],
    ending: threading.Event,
) -> None:
    """Share the work: each laboratory takes the next item when it is free. If one fails, all are ``ending`` soon."""
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    for one in work:
        waiting.put(one)

    def go_on(laboratory: Laboratory) -> None:
        with suppress(queue.Empty):
            while not (ending.is_set() or is_over()):
                do(laboratory, waiting.get_nowait())

    with ThreadPoolExecutor(len(laboratories)) as pool:
        try:
            for done in [pool.submit(go_on, laboratory) for laboratory in laboratories]:
                done.result()
        except BaseException:
            ending.set()
            raise


@contextmanager
def laboratories(settings: Settings, folder: Path, amount: int) -> Iterator[list[Laboratory]]:
    """Provide ``amount`` sandboxes, each started when it is first needed."""
    behave = WarmBehave()
    with ExitStack() as closing:
        found = [Laboratory(settings, folder / str(number), behave) for number in range(1, amount + 1)]
        for laboratory in found:
            closing.callback(laboratory.close)
        yield found
