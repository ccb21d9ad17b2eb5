"""Ownership of a namespace on another cluster, and the mark that permits the use of a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from environments.sandbox.shared.borrowed import MARK, is_abandoned, is_marked, owner


def namespace(annotations: dict[str, str] | None) -> dict[str, Any]:
    return {"metadata": {"name": "n", **({} if annotations is None else {"annotations": annotations})}}


def made_by_a_process_that_is_gone() -> dict[str, str]:
    code = "import json; from environments.sandbox.shared.borrowed import owner; print(json.dumps(owner()))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = json.loads(told)
    return found


def test_what_a_living_process_made_is_not_abandoned() -> None:
    assert not is_abandoned(namespace(owner()))


def test_what_a_process_made_that_is_gone_is_abandoned() -> None:
    assert is_abandoned(namespace(made_by_a_process_that_is_gone()))


def test_a_process_that_has_the_number_of_an_earlier_one_is_another() -> None:
    (key,) = (name for name in owner() if name.endswith("/process"))
    mine = owner()
    assert is_abandoned(namespace({**mine, key: f"{mine[key].partition('-')[0]}-1"}))


@pytest.mark.parametrize("annotations", [None, {}, {"focus-acceptance/host": "another-machine"}])
def test_what_nobody_here_made_is_left_alone(annotations: dict[str, str] | None) -> None:
    assert not is_abandoned(namespace(annotations))
    if annotations:
        assert not is_abandoned(namespace({**made_by_a_process_that_is_gone(), **annotations}))


@pytest.mark.parametrize(("marks", "expected"), [([None, None], False), ([None, "true"], True), (["yes", None], False)])
def test_only_the_mark_permits(marks: list[str | None], expected: bool) -> None:
    assert is_marked([namespace({MARK: mark} if mark else None) for mark in marks]) is expected
