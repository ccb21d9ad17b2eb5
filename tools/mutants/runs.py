"""Runs over many mutants: side by side, written down one by one, and taken up again where they ended."""

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
"""So many are tried process by process: for another process than the last one a sandbox is started anew."""


class ResultsFile:
    """One line for each result; half a line, of a run that was killed, is not read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()

    def begin_with(self, results: Mapping[str, Result]) -> None:
        """Have these in the file and no others."""
        write_atomically(self._path, "".join(map(_line, results.values())))

    def add(self, result: Result) -> None:
        with self._writing, self._path.open("a", encoding="utf-8") as out:
            out.write(_line(result))

    def read(self) -> dict[str, Result]:
        """The last result by the id of the mutant."""
        text = self._path.read_text(encoding="utf-8") if self._path.is_file() else ""
        whole = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return {result.id: result for result in (Result(**json.loads(line)) for line in whole)}


def _line(result: Result) -> str:
    return json.dumps(asdict(result)) + "\n"


def try_all(
    mutants: Sequence[Mutant], scenarios: Callable[[Mutant], Sequence[Row]], laboratories: Sequence[Laboratory],
    report: Callable[[Result], None], is_over: Callable[[], bool],
) -> None:  # fmt: skip
    """Try each of them with its scenarios, until it ``is_over``; ``report`` is told each result as it is there, from
    several threads. What is under way when the run is ended is not told: its sandbox is ended too."""
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
    """Run each scenario by itself, and have the sandbox write which lines of the files it enters."""

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
    """Each laboratory takes the next one when it is done with one; all are ``ending`` soon when one of them fails."""
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
    """So many sandboxes, each started when it is needed first."""
    behave = WarmBehave()
    with ExitStack() as closing:
        found = [Laboratory(settings, folder / str(number), behave) for number in range(1, amount + 1)]
        for laboratory in found:
            closing.callback(laboratory.close)
        yield found
