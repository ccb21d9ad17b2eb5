"""The set-up: accepted Python versions, progress output from the first second, messages of a failed installation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup
from tools.setup import ROOT, Progress, SetUpError, note_of_version, set_up

PIP = """#!/bin/sh
case "$*" in
    *sys.version_info*) exit 0 ;;
    *--require-hashes*) echo 'Collecting a==1.0'; echo 'ERROR: no such host' >&2; exit {status} ;;
    *) exit 0 ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose .venv has the POSIX layout and a stand-in for Python with pip."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "run.txt").write_text("a==1.0 \\\n    --hash=sha256:00\nb-c==2 \\\n", encoding="utf-8")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    return tmp_path


def stand_in(root: Path, status: int) -> None:
    python = root / ".venv" / "bin" / "python"
    python.write_text(PIP.format(status=status), encoding="utf-8")
    python.chmod(0o755)


def test_a_tested_python_is_taken_without_a_word() -> None:
    assert note_of_version((3, 11, 0)) is None
    assert note_of_version((3, 14, 9)) is None


@pytest.mark.parametrize("minor", [15, 16, 20])
def test_a_newer_python_is_taken_with_one_line(minor: int) -> None:
    assert (
        note_of_version((3, minor, 0)) == f"Python 3.{minor} is newer than 3.14, the newest that this was tested with"
    )


def test_an_older_python_is_refused() -> None:
    with pytest.raises(SetUpError, match=r"Python 3\.10 is too old; 3\.11 or newer is needed"):
        note_of_version((3, 10, 4))


def test_the_first_line_tells_what_and_how_long(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in(root, 0)
    set_up(root, "run", live=False)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "set-up: installing 2 packages of requirements/run.txt; usually takes half a minute to two minutes"
    assert last.startswith("set-up: done in ")
    assert (root / ".venv" / ".run-ready").exists()


def test_what_pip_said_is_shown_when_it_failed(root: Path) -> None:
    stand_in(root, 1)
    with pytest.raises(SetUpError) as raised:
        set_up(root, "run", live=False)
    assert str(raised.value).splitlines() == [
        "Collecting a==1.0",
        "ERROR: no such host",
        "set-up: installing failed; the lines above say why (is a package index reachable?)",
    ]
    assert not (root / ".venv" / ".run-ready").exists()


def test_progress_counts_packages(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(3, live=True)
    for line in (
        "Collecting a==1.0 (from -r x)\n",
        "  Downloading a.whl\n",
        "Requirement already satisfied: b==2 in x\n",
    ):
        progress.read(line)
    progress.show()
    progress.read("Installing collected packages: a\n")
    progress.show()
    shown = capsys.readouterr().out.split("\r")
    assert shown[1].startswith("set-up: 2 of 3 fetched, 0 s") and shown[2].startswith(
        "set-up: putting them in place, 0 s"
    )


def test_elsewhere_than_on_a_terminal_nothing_is_repeated_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(3, live=False)
    progress.show()
    progress.show()
    assert capsys.readouterr().out == ""


def test_a_wrong_word_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["everything"]) == 2
    assert capsys.readouterr().err == "set-up: 'everything' is not one of run, test, extras\n"


def shell_set_up(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/venv.sh in its own environment, with an argument that stops it before the installation."""
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "venv.sh"), "nothing"],
        env={"HOME": os.environ.get("HOME", "/"), **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def python_of_version(folder: Path, name: str, version: tuple[int, int]) -> None:
    """A fake Python that reports another version, and only prints how it would run a file."""
    first = f"import sys; sys.version_info = ({version[0]}, {version[1]}, 0)"
    script = f'''#!/bin/sh
if [ "$1" = -c ]; then exec {sys.executable} -c "{first}; $2"; fi
echo "${{0##*/}} $*"
'''
    (folder / name).write_text(script, encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder that is the whole of PATH."""
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "")
    return tmp_path


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3": (3, 14)}, "python3"),
        ({"python3": (3, 15)}, "python3"),
        ({"python3": (3, 9), "python3.15": (3, 15)}, "python3.15"),
        ({"python3": (3, 14), "python3.12": (3, 12)}, "python3.12"),
        ({"python": (3, 13)}, "python"),
    ],
)
def test_the_python_that_is_there_is_found(path: Path, there: dict[str, tuple[int, int]], taken: str) -> None:
    for name, version in there.items():
        python_of_version(path, name, version)
    done = shell_set_up(PATH=str(path))
    assert (done.stdout, done.returncode) == (f"{taken} tools/setup.py nothing\n", 0), done.stderr


def test_no_python_is_one_sentence(path: Path) -> None:
    python_of_version(path, "python3", (3, 10))
    done = shell_set_up(PATH=str(path))
    assert done.returncode == 2
    assert done.stderr.startswith("set-up: no Python of version 3.11 or newer was found;")


def test_a_named_python_that_is_none_is_one_sentence() -> None:
    done = shell_set_up(PATH=os.environ["PATH"], PYTHON="/nowhere/python3")
    assert (done.returncode, done.stderr) == (
        2,
        "set-up: PYTHON=/nowhere/python3 is no Python of version 3.11 or newer\n",
    )
