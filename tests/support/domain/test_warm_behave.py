"""A warm run of behave equals ``python -m behave``: same console, same exit code, nothing shared between runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.files import PROJECT
from tools.fault_matrix.warm import WarmBehave

FEATURE = """Feature: F
  @JL-01a
  Scenario: of the environment
    Given {name} is {value}
"""
STEPS = """import os
from behave import given

@given("{name} is {value}")
def step(context, name, value):
    assert os.environ.get(name) == value, os.environ.get(name)
"""


@pytest.fixture
def features(tmp_path: Path) -> Path:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "some_steps.py").write_text(STEPS)
    return tmp_path


def written(features: Path, name: str, value: str) -> list[str]:
    path = features / f"{value}.feature"
    path.write_text(FEATURE.format(name=name, value=value))
    return ["-D", f"reports={features}", "-D", "history=", "-D", "publish=record", str(path)]


def test_console_and_exit_code_are_those_of_a_cold_run(features: Path) -> None:
    arguments = written(features, "FOCUS_X", "red")
    cold = subprocess.run(
        [sys.executable, "-m", "behave", *arguments], cwd=PROJECT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    console = features / "console.txt"
    assert WarmBehave().run(arguments, {}, console) == cold.returncode == 1
    assert _timeless(console.read_text()) == _timeless(cold.stdout)


def _timeless(text: str) -> str:
    return re.sub(r"\d+\.\d+ s", "a time", text)


def test_what_is_prepared_for_every_run_has_no_steps_of_its_own_and_knows_the_environment_files() -> None:
    program = (
        "from behave.step_registry import registry\n"
        "from support.config.production import _protected_by\n"
        "import tools.fault_matrix.prepared\n"
        "print(sum(map(len, registry.steps.values())), _protected_by.cache_info().currsize)"
    )
    files = len(list((PROJECT / "environments").glob("*.yaml")))
    assert subprocess.check_output([sys.executable, "-c", program], cwd=PROJECT, text=True) == f"0 {files}\n"


def test_variables_are_those_of_one_run_only(features: Path) -> None:
    behave, console = WarmBehave(), features / "console.txt"
    arguments = written(features, "FOCUS_X", "green")
    assert behave.run(arguments, {"FOCUS_X": "green"}, console) == 0
    assert behave.run(arguments, {}, console) == 1
    assert "FOCUS_X" not in os.environ


def test_ctrl_c_ends_a_run_as_it_ends_a_cold_one(features: Path) -> None:
    (features / "steps" / "ctrl_c_steps.py").write_text(
        "import os, signal\nfrom behave import when\n\n"
        '@when("somebody presses Ctrl-C")\ndef step(context):\n    os.kill(os.getpid(), signal.SIGINT)\n'
    )
    arguments = written(features, "FOCUS_X", "stopped")
    feature = Path(arguments[-1])
    feature.write_text(feature.read_text().replace("Given FOCUS_X is stopped", "When somebody presses Ctrl-C"))
    console = features / "console.txt"
    assert WarmBehave().run(arguments, {}, console) == 1
    assert "INTERRUPTED: " in console.read_text()


def test_what_cannot_be_loaded_is_one_sentence_with_its_place(features: Path) -> None:
    (features / "steps" / "broken_steps.py").write_text("\ndef step(:\n")
    console = features / "console.txt"
    assert WarmBehave().run(written(features, "FOCUS_X", "green"), {}, console) == 1
    assert "broken_steps.py:2: invalid syntax: def step(:" in console.read_text()
    assert "Traceback" not in console.read_text()
