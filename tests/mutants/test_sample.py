"""A fixed small sample of mutants, each of which must be noticed.

It checks the mutation machinery and how sensitive the scenarios are.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.files import PROJECT

SAMPLE = (
    "b60988ac", "2900c86a", "03342f4b", "2a83afb7", "3c99afed", "d998d9ad", "2e13188d", "933e2970", "d0c616c0",
    "07c495c7", "1ac4d40a", "8e9b7974", "d98c4245", "2fead17e", "ac531ba6", "597a571a", "5aabcdd0", "925adaed",
    "d94710b5", "4b2714de",
)  # fmt: skip
"""Ids of mutants that a run with --seed 1 has killed. An id whose place no longer exists is an error: draw another."""


def test_every_mutant_of_a_sample_is_noticed(tmp_path: Path) -> None:
    named = [word for name in SAMPLE for word in ("--only", name)]
    command = [sys.executable, "-m", "tools.mutants", "run", *named, "--reports", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(SAMPLE)} of {len(SAMPLE)} killed" in done.stdout
