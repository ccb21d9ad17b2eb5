"""``focus-acceptance watch``: it runs what is saved, each time on a sandbox as new, and nothing else."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.files import PROJECT
from tests.tools.watched import Watched
from tools.fault_matrix.warm import libraries
from tools.watch import rerun, run, saved


class RecordingBehave:
    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.calls: list[list[str]] = []

    def run(self, arguments: list[str], variables: Any, console: Any) -> int:
        self.calls.append(arguments)
        return self.codes.pop(0)


def test_each_save_runs_what_was_saved_on_a_sandbox_as_new(capsys: pytest.CaptureFixture[str]) -> None:
    behave, resets = RecordingBehave(0, 1, 2), []
    saves = iter([[Path("a.feature")], [Path("a.feature"), Path("b.feature")], [Path("c.feature")]])
    rerun(saves, ["-D", "history="], lambda: resets.append(len(behave.calls)), behave)
    assert behave.calls == [
        ["-D", "history=", "a.feature"],
        ["-D", "history=", "a.feature", "b.feature"],
        ["-D", "history=", "c.feature"],
    ]
    assert resets == [1, 2, 3]
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(" after ")[0] for line in told] == ["green", "red", "not judged"]


def test_a_save_is_seen_once_it_is_a_feature_that_is_there(tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept.feature", tmp_path / "gone.feature"
    gone.touch()

    def work() -> None:
        (tmp_path / "notes.txt").write_text("x")
        gone.unlink(missing_ok=True)
        kept.write_text("Feature: X\n")

    assert first(saved([tmp_path]), work) == [kept]


def test_a_save_of_code_runs_what_was_saved_last(tmp_path: Path) -> None:
    feature, steps = tmp_path / "kept.feature", tmp_path / "some_steps.py"
    saves = saved([tmp_path])
    try:
        assert seen(saves, lambda: feature.write_text("Feature: X\n")) == [feature]
        assert seen(saves, lambda: steps.write_text("pass\n")) == [feature]
    finally:
        saves.close()  # type: ignore[attr-defined]


def test_a_save_of_code_before_that_of_a_feature_says_what_it_waits_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feature, steps = tmp_path / "kept.feature", tmp_path / "some_steps.py"

    def work() -> None:
        steps.write_text("pass\n")
        if "code is saved: save a feature file" in capsys.readouterr().out:
            feature.write_text("Feature: X\n")

    assert first(saved([tmp_path]), work) == [feature]


def first(saves: Iterator[list[Path]], work: Callable[[], object]) -> list[Path]:
    try:
        return seen(saves, work)
    finally:
        saves.close()  # type: ignore[attr-defined]


def seen(saves: Iterator[list[Path]], work: Callable[[], object]) -> list[Path]:
    """The next save, while another thread keeps working."""
    over = threading.Event()

    def work_on() -> None:
        while not over.wait(0.1):
            work()

    editor = threading.Thread(target=work_on)
    editor.start()
    try:
        return next(saves)
    finally:
        over.set()
        editor.join()


def test_tags_that_cannot_be_used_are_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("@JL and", None, tmp_path) == 2
    assert capsys.readouterr().err.startswith("watch: --tags=@JL and cannot be understood: ")


def test_what_is_loaded_before_the_first_save_is_nobody_s_who_saves() -> None:
    loaded = libraries()
    assert {"behave.runner", "kubernetes.client", "pymongo", "paramiko", "requests", "pydantic", "json"} <= set(loaded)
    own = {path.stem for path in PROJECT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {"support", "tools", "environments", "environment"} <= own
    assert [name for name in loaded if name.partition(".")[0] in own] == []


FEATURE = """@JL
Feature: Watched

  Rule: It is saved

    @JL-01y
    Example: The number is as told
      Then the number is {number}
"""
STEPS = """from behave import then

from support.watched import NUMBER


@then("the number is {{number:d}}")
def the_number_is(context, number):
    assert number == NUMBER + {more}, f"wanted: {{number}}, seen: {{NUMBER + {more}}}"
"""


@pytest.mark.nightly
def test_what_is_saved_is_what_runs(tmp_path: Path) -> None:
    """New code, new features, unreadable files and their repair; Ctrl-C at the end."""
    watched = Watched(tmp_path)
    support = tmp_path / "support" / "watched.py"
    support.write_text("NUMBER = 1\n")
    watched.steps.write_text(STEPS.format(more=0))
    with watched.watching() as process:

        def verdict(path: Path, text: str) -> str:
            return watched.save(process, path, text)[0]

        assert verdict(watched.feature, FEATURE.format(number=1)) == "green"
        assert verdict(watched.feature, FEATURE.format(number=2)) == "red"
        assert "wanted: 2, seen: 1" in watched.said
        assert verdict(watched.steps, STEPS.format(more=1)) == "green"
        assert verdict(support, "NUMBER = 5\n") == "red"
        assert "wanted: 2, seen: 6" in watched.said
        for path, text, place in (
            (watched.feature, FEATURE.format(number=6) + "      Than it ends\n", "watched.feature"),
            (watched.steps, STEPS.format(more="("), "watched_steps.py:8"),
            (support, "NUMBER = = 5\n", "watched.py:1"),
        ):
            whole = path.read_text()
            assert verdict(path, text) == "red"
            assert place in watched.said and len(watched.said.splitlines()) < 8, watched.said
            assert "Traceback" not in watched.said
            verdict(path, whole)
        assert verdict(watched.feature, FEATURE.format(number=6)) == "green"
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert (process.returncode, said.strip()) == (0, "")
    assert list(watched.temporary.iterdir()) == []
