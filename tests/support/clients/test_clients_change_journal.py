"""Changes to an environment are on disk before they are made, and stay pending until they are ended."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.clients.change_journal import ChangeJournal, Changes
from support.clients.processes import ProcessId


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


def test_on_a_site_that_began_anew_dead_runs_are_forgotten_and_live_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = ChangeJournal(tmp_path / "changes.jsonl")
    alive = journal.begin("quota", "a quota", name="q-1")
    journal.forget_dead_runs()
    assert journal.pending() == [alive]
    monkeypatch.setattr(ProcessId, "lives", lambda self: False)
    journal.forget_dead_runs()
    assert journal.pending() == []


def test_what_follows_a_line_that_was_cut_off_is_not_glued_to_it(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    first = ChangeJournal(path).begin("quota", "a quota", name="q-1")
    with path.open("a") as file:
        file.write('{"begin": "x", "ki')
    second = ChangeJournal(path).begin("quota", "another", name="q-2")
    ChangeJournal(path).end(first)
    assert ChangeJournal(path).pending() == [second]


def test_the_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    ChangeJournal(path).begin("config_map_key", "settings", value="password = 'x'")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_changes_of_a_process_that_has_ended_are_of_a_dead_run(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    program = (
        "import sys; from pathlib import Path; from support.clients.change_journal import ChangeJournal;"
        "ChangeJournal(Path(sys.argv[1])).begin('quota', 'a quota', name='q-1')"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    ChangeJournal(path).begin("quota", "ours", name="q-2")
    assert [change.undo["name"] for change in ChangeJournal(path).of_dead_runs()] == ["q-1"]
    assert [change.undo["name"] for change in ChangeJournal(path).pending()] == ["q-1", "q-2"]


def test_a_later_process_of_the_same_number_is_another() -> None:
    own = ProcessId.own()
    assert own.lives() and ProcessId.parse(str(own)) == own
    assert not replace(own, began="1@another").lives()
    assert not replace(own, machine="elsewhere").lives()
    assert own.pid == os.getpid()


class Site:
    """A site with changes that can be made and undone, except those that are stuck."""

    def __init__(self) -> None:
        self.undone: list[str] = []
        self.stuck: set[str] = set()

    def take_away(self, undo: Mapping[str, Any]) -> None:
        if undo["name"] in self.stuck:
            raise AssertionError(f"{undo['name']} is stuck")
        self.undone.append(undo["name"])


def changes_of(journal: ChangeJournal, site: Site) -> Changes:
    changes = Changes(journal)
    changes.undone_by({"quota": site.take_away, "pod": site.take_away})
    return changes


def test_changes_are_undone_last_first_and_only_once(tmp_path: Path) -> None:
    journal, site = ChangeJournal(tmp_path / "changes.jsonl"), Site()
    changes = changes_of(journal, site)
    for number, kind in enumerate(("quota", "pod", "quota")):
        changes.begin(kind, f"number {number}", name=str(number))
    changes.undo_all("pod")
    assert site.undone == ["1"] and len(journal.pending()) == 2
    changes.undo_all()
    changes.undo_all()
    assert site.undone == ["1", "2", "0"] and journal.pending() == []


def test_of_several_that_cannot_be_undone_the_first_is_told(tmp_path: Path) -> None:
    """The last change is undone first, and earlier ones may fail because of it."""
    journal, site = ChangeJournal(tmp_path / "changes.jsonl"), Site()
    changes = changes_of(journal, site)
    for name in ("first", "second", "third"):
        changes.begin("quota", f"the {name}", name=name)
    site.stuck = {"first", "third"}
    with pytest.raises(AssertionError, match="third is stuck"):
        changes.undo_all()
    assert site.undone == ["second"] and len(journal.pending()) == 2


def test_a_change_that_cannot_be_undone_stays_pending_and_holds_up_no_other(tmp_path: Path) -> None:
    journal, site = ChangeJournal(tmp_path / "changes.jsonl"), Site()
    changes = changes_of(journal, site)
    changes.begin("quota", "the first", name="first")
    stuck = changes.begin("quota", "the second", name="second")
    site.stuck = {"second"}
    with pytest.raises(AssertionError, match="second is stuck"):
        changes.undo_all()
    assert site.undone == ["first"] and journal.pending() == [stuck]
    site.stuck = set()
    changes.undo_all()
    assert journal.pending() == []


def test_what_nobody_can_undo_is_not_begun(tmp_path: Path) -> None:
    journal = ChangeJournal(tmp_path / "changes.jsonl")
    with pytest.raises(LookupError, match="nobody can undo a change of kind 'link'; known are: quota, pod"):
        changes_of(journal, Site()).begin("link", "a link is cut")
    assert journal.pending() == []


def test_what_was_needed_to_undo_a_change_is_not_kept(tmp_path: Path) -> None:
    """The data may be the whole configuration of a server, with its secrets."""
    path = tmp_path / "changes.jsonl"
    journal, other = ChangeJournal(path), ChangeJournal(path)
    kept = other.begin("settings", "somebody else's", value="kept")
    change = journal.begin("settings", "settings are changed", value="password: hunter2")
    journal.end(change)
    assert "hunter2" not in path.read_text() and "kept" in path.read_text()
    assert other.pending() == [kept]
