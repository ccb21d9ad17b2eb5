"""gevent is never loaded into a process of the suite, nor the suite into a Locust process.

The reason: gevent replaces the socket and thread implementations of the process it is loaded into.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gates.sources import imports_only

ROOT = Path(__file__).resolve().parents[2]
APART = ("locust", "gevent", "geventhttpclient", "zmq")
OURS = ("support", "steps", "tools", "environments")
PROGRAMS = sorted((ROOT / "load").glob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Top-level names of all imports of a file, at any level."""
    for node in ast.walk(imports_only(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def violations(root: Path) -> list[str]:
    sources = [path for part in OURS for path in (root / part).rglob("*.py")] + [root / "environment.py"]
    ours = [f"{path.relative_to(root)}: {name}" for path in sources for name in imported(path) if name in APART]
    ours += [f"{path.relative_to(root)}: {name}" for path in sources for name in imported(path) if name == "load"]
    programs = sorted((root / "load").glob("*.py"))
    theirs = [f"{path.relative_to(root)}: {name}" for path in programs for name in imported(path) if name in OURS]
    return ours + theirs


def test_neither_imports_the_other() -> None:
    assert {path.name for path in PROGRAMS} == {"master.py", "worker.py"}
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("place", "text", "found"),
    [
        ("support/a.py", "def f():\n    import gevent.monkey\n", "support/a.py: gevent"),
        ("tools/a.py", "from locust.env import Environment\n", "tools/a.py: locust"),
        ("steps/a.py", "from load import worker\n", "steps/a.py: load"),
        ("load/a.py", "from support.waits import until\n", "load/a.py: support"),
    ],
)
def test_an_import_is_found(tmp_path: Path, place: str, text: str, found: str) -> None:
    for folder in (*OURS, "load"):
        (tmp_path / folder).mkdir()
    (tmp_path / "environment.py").touch()
    (tmp_path / place).write_text(text)
    assert violations(tmp_path) == [found]


def test_a_run_with_testers_has_no_gevent_in_it() -> None:
    """Loaded modules count too if another package imports them."""
    script = (
        "import sys, support.cli.load, support.hooks.session, support.hooks.many_testers, tools.cli, tools.bench\n"
        f"print([name for name in {APART} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
