"""``focus-acceptance repeat``: check whether the verdicts hold in other orders and on a busy machine."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from support.cli.report import flaky
from support.gherkin.tags import problem_with
from support.hooks.signals import terminated_like_interrupted
from tools.repeat.load import Strain
from tools.repeat.series import Turn, behave, run_series

_WRONG_USE = 2


def run(environment: str, times: int, tags: str, seed: int | None, reports: Path, strain: Strain) -> int:
    """Run the series; print a line for each run, then the flaky scenarios. Returns 0 only if every run passed."""
    problem = problem_with(tags)
    if problem is not None:
        print(f"repeat: {problem}", file=sys.stderr)
        return 2
    first = secrets.randbelow(1_000_000) if seed is None else seed
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    print(f"{times} runs on {environment}, the first with --seed {first}", flush=True)
    turns: list[Turn] = []
    try:
        with terminated_like_interrupted():
            for turn in run_series(behave(environment, tags), name, times, first, reports.absolute(), strain):
                turns.append(turn)
                if turn.code != _WRONG_USE:
                    print(_line(turn, times), flush=True)
    except KeyboardInterrupt:
        print(f"interrupted after {len(turns)} of {times} runs", file=sys.stderr)
        return 1
    if turns[-1].code == _WRONG_USE:
        print(f"repeat: {_last_line(turns[-1])}", file=sys.stderr)
        return 2
    judged = flaky(reports, environment, name) if times > 1 else 0
    return judged or int(any(turn.code for turn in turns))


def _line(turn: Turn, times: int) -> str:
    load = "  on a busy machine" if turn.under_load else ""
    line = f"  {turn.number:>3} of {times}  {turn.verdict:<9} {turn.duration_s:6.1f} s  -D shuffle={turn.seed}{load}"
    return line if turn.code == 0 else f"{line}\n      see {turn.folder / 'console.txt'}"


def _last_line(turn: Turn) -> str:
    """Return the reason why a run refused to begin."""
    lines = (turn.folder / "console.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {turn.code} without a word"
