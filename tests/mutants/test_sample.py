"""A small sample of the mutants, always the same one: each is noticed, or listed as one that nobody could notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.files import PROJECT

AMOUNT, SEED = 20, 1


def test_every_mutant_of_a_sample_is_noticed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.mutants", "run", "--sample", str(AMOUNT), "--seed", str(SEED)]
    done = subprocess.run(
        [*command, "--reports", str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
