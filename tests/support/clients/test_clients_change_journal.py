"""Changes to an environment are on disk before they are made, and pending until they are ended."""

from __future__ import annotations

from pathlib import Path

from support.clients.change_journal import ChangeJournal


def test_what_was_begun_and_not_ended_is_pending(tmp_path: Path) -> None:
    journal = ChangeJournal(tmp_path / "reports" / "changes.jsonl")
    assert journal.pending() == []
    first = journal.begin("quota", "a quota that forbids jobs", name="q-1")
    second = journal.begin("config_map", "the stream address", key="focus_view_url", value=None)
    journal.end(first)
    assert ChangeJournal(tmp_path / "reports" / "changes.jsonl").pending() == [second]
    assert second.undo == {"key": "focus_view_url", "value": None}


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    journal = ChangeJournal(path)
    first = journal.begin("quota", "a quota", name="q-1")
    with path.open("a") as file:
        file.write('{"begin": "x", "ki')
    assert journal.pending() == [first]


def test_what_is_forgotten_is_not_pending(tmp_path: Path) -> None:
    journal = ChangeJournal(tmp_path / "changes.jsonl")
    journal.begin("quota", "a quota", name="q-1")
    journal.forget()
    assert journal.pending() == []
