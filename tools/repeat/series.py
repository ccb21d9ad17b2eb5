"""A series of runs of the suite, each in another order, some of them on a busy machine."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.files import PROJECT
from tools.repeat.load import OFTEN, Strain, busy


@dataclass(frozen=True)
class Turn:
    """One run of a series. `verdict` is that of its record, or why there is none; `code` is its exit code."""

    number: int
    seed: int
    under_load: bool
    code: int
    verdict: str
    duration_s: float
    folder: Path


def run_series(
    command: Sequence[str], name: str, times: int, seed: int, reports: Path, strain: Strain = OFTEN
) -> Iterator[Turn]:
    """Run `command` (behave and its arguments) `times` times, and yield each result as soon as it is available.

    Each run has its own folder below `repeats/`, and all share one history. The series ends early when a run reports
    wrong use (exit code 2). A KeyboardInterrupt is passed on to the run, and the series waits for it to clean up.
    """
    folder = reports / "repeats"
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(1, times + 1):
        under_load = strain.concerns(number)
        own = folder / f"{number:03d}"
        own.mkdir(parents=True)
        told = {
            "reports": str(own),
            "history": str(reports / "history"),
            "publish": "record",
            "shuffle": str(seed + number - 1),
            "series": name,
            "under_load": "yes" if under_load else "no",
        }
        defined = [argument for key, value in told.items() for argument in ("-D", f"{key}={value}")]
        started = time.monotonic()
        with busy(strain) if under_load else contextlib.nullcontext():
            code = _run([*command, *defined], own / "console.txt")
        verdict = _verdict(own / "run.json")
        yield Turn(number, seed + number - 1, under_load, code, verdict, time.monotonic() - started, own)
        if code == 2:
            return


def _run(command: Sequence[str], console: Path) -> int:
    """Run a command in a session of its own, and return its exit code. What ends the series must reach the run only
    once, and the run must be waited for."""
    with (
        console.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, cwd=PROJECT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True) as run,
    ):
        try:
            return run.wait()
        except KeyboardInterrupt:
            run.send_signal(signal.SIGINT)
            run.wait()
            raise


def _verdict(record: Path) -> str:
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["verdict"])
    except FileNotFoundError:
        return "no record"


def behave(environment: str, tags: str) -> list[str]:
    """Return the command of one run; like `make acceptance`, it leaves out unfinished scenarios for any tags."""
    chosen = [f"--tags=({tags}) and not (@wip or @quarantine)"] if tags else []
    return [sys.executable, "-m", "behave", "-D", f"env={environment}", *chosen]
