"""Brings the numbers of tests in docs/sandbox.md up to date: ``.venv/bin/python scripts/contract_counts.py``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "sandbox.md"


def collected(part: str) -> int:
    """How many tests ``tests/sandbox/PART`` has."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", f"tests/sandbox/{part}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    count = re.search(r"^(?:\d+/)?(\d+) tests collected", done.stdout, re.MULTILINE)
    if done.returncode != 0 or count is None:
        sys.exit(f"tests/sandbox/{part} cannot be collected:\n{done.stdout[-2000:]}")
    return int(count[1])


def main() -> None:
    text = TABLE.read_text(encoding="utf-8")
    parts = {path.name for path in (ROOT / "tests" / "sandbox").iterdir() if path.is_dir()}
    shown = re.compile(r"`(\w+)` \d+")
    updated = shown.sub(lambda cell: f"`{cell[1]}` {collected(cell[1])}" if cell[1] in parts else cell[0], text)
    TABLE.write_text(updated, encoding="utf-8")


if __name__ == "__main__":
    main()
