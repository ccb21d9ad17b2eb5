"""``focus-acceptance watch``: what is saved runs, each time on a sandbox as new, and nothing else does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.watch import rerun, saved


class RecordingBehave:
    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.calls: list[list[str]] = []

    def run(self, arguments: list[str], variables: Any, console: Any) -> int:
        self.calls.append(arguments)
        return self.codes.pop(0)


def test_each_save_runs_what_was_saved_on_a_sandbox_as_new(capsys: pytest.CaptureFixture[str]) -> None:
    behave, resets = RecordingBehave(0, 1), []
    saves = iter([[Path("a.feature")], [Path("a.feature"), Path("b.feature")]])
    rerun(saves, ["-D", "history="], lambda: resets.append(len(behave.calls)), behave)
    assert behave.calls == [["-D", "history=", "a.feature"], ["-D", "history=", "a.feature", "b.feature"]]
    assert resets == [1, 2]
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(" after ")[0] for line in told] == ["green", "red"]


def test_a_save_is_seen_once_it_is_a_feature_that_is_there(tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept.feature", tmp_path / "gone.feature"
    gone.touch()
    seen = saved(tmp_path)
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.1):
            (tmp_path / "notes.txt").write_text("x")
            gone.unlink(missing_ok=True)
            kept.write_text("Feature: X\n")

    editor = threading.Thread(target=work)
    editor.start()
    try:
        assert next(seen) == [kept]
    finally:
        over.set()
        editor.join()
        _close(seen)


def _close(saves: Iterator[list[Path]]) -> None:
    saves.close()  # type: ignore[attr-defined]
