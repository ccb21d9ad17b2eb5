"""Loading a mutant into a process of the sandbox, and into no other process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.files import PROJECT
from tools.mutants.mutant import every_mutant
from tools.mutants.trial import OVERLAY, SWITCH

MODULE = "environments.sandbox.focus_server.rules"
TELL = "from environments.sandbox.focus_server import rules; print(rules.LOWEST_CHANNEL)"


@pytest.fixture(scope="module")
def number() -> int:
    """The number of a mutant of the module, which makes its lowest channel 2."""
    words = "LOWEST_CHANNEL = 1 -> LOWEST_CHANNEL = 2"
    return next(one.place.number for one in every_mutant() if one.place.words == words)


def said(code: str, **variables: str) -> str:
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


LOADING = "import sys; from tools.mutants.in_sandbox import finder; sys.meta_path.insert(0, finder({!r}, {}))"
REFUSED = "from tools.mutants import in_sandbox\ntry:\n    {}\nexcept RuntimeError as refused:\n    print(refused)"


def test_the_module_is_loaded_with_its_mutant_and_nothing_of_it_is_kept(number: int) -> None:
    assert said(f"{LOADING.format(MODULE, number)}; {TELL}") == "2"
    assert said(TELL) == "1"


def test_a_process_that_is_none_of_the_sandbox_takes_no_notice(number: int, tmp_path: Path) -> None:
    switch = tmp_path / "switch.json"
    switch.write_text(json.dumps({"module": MODULE, "number": number}), encoding="utf-8")
    assert said(TELL, PYTHONPATH=str(OVERLAY), **{SWITCH: str(switch)}) == "1"


def test_it_refuses_to_begin_in_another_process() -> None:
    assert "for the processes of the sandbox only" in said(REFUSED.format("in_sandbox.begin('switch.json')"))


def test_no_other_module_than_those_of_the_sandbox_is_changed() -> None:
    said_of_it = said(REFUSED.format("in_sandbox.finder('support.waits', 0)"))
    assert said_of_it == "support.waits is no module of the sandbox"


def test_a_process_of_the_sandbox_begins_with_it(tmp_path: Path) -> None:
    """Runs the supervisor's own command line, up to its help. A switch that cannot be read stops the process."""
    command = [sys.executable, "-m", "environments.sandbox.focus_server"]
    environment = {**os.environ, "PYTHONPATH": str(OVERLAY), SWITCH: str(tmp_path / "missing.json")}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, input="", check=False)
    assert done.returncode != 0 and "missing.json" in done.stderr
