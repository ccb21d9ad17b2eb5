"""``focus-acceptance watch`` on a copy of the project, and the time from a save to its verdict.

``python -m tests.tools.watched [--times 5] [--scenario JL-01a ...]`` prints the median for each scenario, and for a
save of its steps.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ORDINARY = ("JL-01a", "JL-05c", "CF-04a", "PV-04a", "MD-01a")
LIMIT_S = 2.0
_VERDICT = re.compile(r"(green|red|not judged) after [\d.]+ s; watching\n")


class Watched:
    """A copy of the project with one feature file to save; ``said`` is the output of the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("steps", "support", "environments", "tools", "features", "docs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("environment.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        self.feature = folder / "features" / "job_lifecycle" / "watched.feature"
        self.steps = folder / "steps" / "watched_steps.py"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.said = ""

    @contextmanager
    def watching(self) -> Iterator[subprocess.Popen[str]]:
        """Run the command, and yield once it reports that it watches. Stop it by Ctrl-C inside the block to check its
        end."""
        process = subprocess.Popen(
            [sys.executable, "-c", "from tools.cli import main; main()", "watch"],
            cwd=self.folder, env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0,
        )  # fmt: skip
        try:
            self.read_until(process, re.compile("watching features/.*\n"))
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.communicate(timeout=60)

    def read_until(self, process: subprocess.Popen[str], wanted: re.Pattern[str]) -> str:
        """Read the output until a line matches; return its first group if the pattern has one, else the line."""
        assert process.stdout is not None
        self.said = ""
        for line in process.stdout:
            self.said += line
            if found := wanted.fullmatch(line):
                return found[1] if wanted.groups else line
        raise AssertionError(f"it ended and said: {self.said}")

    def save(self, process: subprocess.Popen[str], path: Path, text: str) -> tuple[str, float]:
        """Save a file; return the verdict and the seconds until it appeared."""
        path.write_text(text, encoding="utf-8")
        saved = time.monotonic()
        verdict = self.read_until(process, _VERDICT)
        return verdict, time.monotonic() - saved


def feature_with(scenario: str) -> str:
    """A feature with only this scenario of the suite."""
    for path in sorted((ROOT / "features").rglob("*.feature")):
        found = re.search(
            rf"^ +@{scenario} .*?(?=\n\n +@|\n\n  Rule|\Z)", path.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
        if found:
            return f"@{scenario[:2]}\nFeature: Watched\n\n  Rule: It is one\n\n{found[0].rstrip()}\n"
    raise SystemExit(f"there is no scenario {scenario}")


def measured(watched: Watched, process: subprocess.Popen[str], path: Path, text: str, times: int) -> float:
    """The median of ``times`` saves in seconds, not counting a first one."""
    taken = []
    for number in range(times + 1):
        verdict, seconds = watched.save(process, path, f"{text}# {number}\n")
        if verdict != "green":
            raise SystemExit(watched.said)
        taken.append(seconds)
    return statistics.median(taken[1:])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.watched", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--scenario", action="append", dest="scenarios")
    asked = parser.parse_args(arguments)
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(Path(folder))
        with watched.watching() as process:
            for scenario in asked.scenarios or ORDINARY:
                seconds = measured(watched, process, watched.feature, feature_with(scenario), asked.times)
                slow += seconds >= LIMIT_S
                print(f"{scenario}  {seconds:.2f} s from save to verdict, median of {asked.times}", flush=True)
            seconds = measured(watched, process, watched.steps, '"""Nothing."""\n', asked.times)
            print(f"steps   {seconds:.2f} s from save to verdict of the last of these", flush=True)
    return 1 if slow or seconds >= LIMIT_S else 0


if __name__ == "__main__":
    sys.exit(main())
