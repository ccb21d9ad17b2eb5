"""Make or refresh .venv from a hash-locked requirements file: ``python tools/setup.py [run|test|extras]``.

Does what the Makefile does before its targets, on every system; on Windows it is called by hand. Needs only a recent
enough Python, and a package index that pip is configured for. On failure it ends with exit code 2 and one sentence.
"""

from __future__ import annotations

import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)
NEWEST_TESTED = (3, 14)
USUAL_TIME = {"run": "half a minute to two minutes", "test": "one to four minutes", "extras": "one to three minutes"}
INCLUDES = {"run": ("run",), "test": ("test", "run"), "extras": ("extras", "run")}
"""The locks that each lock satisfies."""
TICK_S = 1.0
LINE_EVERY_S = 10.0


class SetUpError(Exception):
    """The set-up failed; the message is one sentence, perhaps after lines of pip."""


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:2]))


def note_of_version(version: tuple[int, ...]) -> str | None:
    """Return a remark about a Python version, or None.

    Raises:
        SetUpError: it is too old.
    """
    if version[:2] < OLDEST:
        raise SetUpError(f"Python {dotted(version)} is too old; {dotted(OLDEST)} or newer is needed")
    if version[:2] > NEWEST_TESTED:
        return f"Python {dotted(version)} is newer than {dotted(NEWEST_TESTED)}, the newest that this was tested with"
    return None


def venv_python(root: Path) -> Path:
    return root / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def make_venv(root: Path) -> None:
    """Make a new .venv, unless a working one exists."""
    python = venv_python(root)
    check = f"import sys; sys.exit(sys.version_info[:2] < {OLDEST})"
    if python.exists() and subprocess.run([str(python), "-c", check], capture_output=True).returncode == 0:
        return
    say(f"making .venv with Python {dotted(sys.version_info[:2])}, {sys.executable}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(root / ".venv")], capture_output=True)
    if made.returncode != 0:
        raise SetUpError(
            f"{sys.executable} cannot make virtual environments; install its venv module (on Debian: python3-venv)"
        )


class Progress:
    """Shows how far pip is: one line that changes on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, total: int, live: bool) -> None:
        self._total, self._live = total, live
        self._seen = 0
        self._installing = False
        self._began = self._shown = time.monotonic()

    def read(self, line: str) -> None:
        self._seen += bool(re.match(r"(Collecting|Requirement already satisfied:) ", line))
        self._installing = self._installing or line.startswith("Installing collected packages")

    def show(self) -> None:
        now = time.monotonic()
        if not self._live and now - self._shown < LINE_EVERY_S:
            return
        self._shown = now
        done = (
            "putting them in place" if self._installing else f"{min(self._seen, self._total)} of {self._total} fetched"
        )
        line = f"set-up: {done}, {now - self._began:.0f} s"
        print(f"\r{line:<60}" if self._live else line, end="" if self._live else "\n", flush=True)

    def end(self) -> None:
        if self._live:
            print(f"\r{'':<60}\r", end="", flush=True)
        say(f"done in {time.monotonic() - self._began:.0f} s")


def run_pip(root: Path, arguments: list[str], progress: Progress) -> None:
    """Run pip, and show its progress.

    Raises:
        SetUpError: pip failed; the message includes all of its output.
    """
    command = [str(venv_python(root)), "-m", "pip", "install", "--disable-pip-version-check", "--no-color"]
    lines: list[str] = []
    with subprocess.Popen(
        [*command, "--progress-bar", "off", *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        for line in _lines_or_ticks(pip):
            lines += [line] if line else []
            progress.read(line)
            progress.show()
    if pip.returncode != 0:
        raise SetUpError(
            f"{''.join(lines)}set-up: installing failed; the lines above say why (is a package index reachable?)"
        )


def _lines_or_ticks(pip: subprocess.Popen[str]) -> Iterator[str]:
    """Yield each line of pip, and an empty text for each second without a line."""
    said: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(pip, said), daemon=True).start()
    while True:
        try:
            line = said.get(timeout=TICK_S)
        except queue.Empty:
            yield ""
            continue
        if line is None:
            return
        yield line


def _read(pip: subprocess.Popen[str], said: queue.Queue[str | None]) -> None:
    for line in pip.stdout or ():
        said.put(line)
    said.put(None)


def set_up(root: Path, what: str, live: bool) -> None:
    lock = root / "requirements" / f"{what}.txt"
    total = len(re.findall(r"^[\w.-]+==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    say(f"installing {total} packages of {lock.relative_to(root).as_posix()}; usually takes {USUAL_TIME[what]}")
    make_venv(root)
    progress = Progress(total, live)
    run_pip(root, ["--require-hashes", "-r", str(lock)], progress)
    run_pip(root, ["--no-deps", "--no-build-isolation", "-e", "."], progress)
    progress.end()
    for ready in INCLUDES[what]:
        (root / ".venv" / f".{ready}-ready").touch()


def main(arguments: list[str]) -> int:
    what = arguments[0] if arguments else "run"
    if len(arguments) > 1 or what not in USUAL_TIME:
        print(f"set-up: {' '.join(arguments)!r} is not one of {', '.join(USUAL_TIME)}", file=sys.stderr)
        return 2
    try:
        note = note_of_version(sys.version_info[:2])
        if note is not None:
            say(note)
        set_up(ROOT, what, sys.stdout.isatty())
    except SetUpError as error:
        text = str(error)
        print(text if "set-up: " in text else f"set-up: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("set-up: interrupted; the next call goes on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
