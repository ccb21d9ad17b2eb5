"""Every change to an environment, on disk before it is made: what a killed run has left can be named and undone.

A change is begun before its first request is sent, with everything that undoing it needs, and ended when it is proven
to be undone. What was begun and never ended is pending: of a run that still lives, or of one that was killed.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.clients.journal_file import JournalFile
from support.clients.processes import ProcessId

Undo = Callable[[Mapping[str, Any]], None]
"""Undoes one change and proves it. It may be called for a change that was never made, or is undone already, and raises
when it cannot prove that nothing of the change is left."""


@dataclass(frozen=True)
class Change:
    """One change. ``kind`` names who can undo it, ``what`` says it to people, ``undo`` holds plain JSON values."""

    id: str
    kind: str
    what: str
    undo: Mapping[str, Any]
    begun_at: datetime
    process: ProcessId


class ChangeJournal:
    """One JSON line for the beginning and one for the end of every change. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JournalFile(path, durable=True)

    def begin(self, kind: str, what: str, **undo: Any) -> Change:
        """Note a change that is about to be made; returns when the disk has it. Raises OSError: then do not make it."""
        change = Change(secrets.token_hex(6), kind, what, undo, datetime.now(UTC), ProcessId.own())
        self._file.write(
            {
                "begin": change.id,
                "kind": kind,
                "what": what,
                "undo": undo,
                "at": change.begun_at.isoformat(),
                "process": str(change.process),
            }
        )
        # As it will be read again: what JSON cannot keep shows here, and not after a kill.
        return Change(change.id, kind, what, json.loads(json.dumps(undo)), change.begun_at, change.process)

    def end(self, change: Change) -> None:
        """Note that it is undone, or that it was never made. What it needed to be undone, which may be secret, is not
        kept."""
        self._file.write({"end": change.id})
        self._file.blank(f'"begin": "{change.id}"')

    def pending(self) -> list[Change]:
        """What was begun and not ended, oldest first."""
        found: dict[str, Change] = {}
        for line in self._file.lines():
            if "begin" in line:
                at, process = datetime.fromisoformat(line["at"]), ProcessId.parse(line["process"])
                change = Change(line["begin"], line["kind"], line["what"], line["undo"], at, process)
                found[change.id] = change
            else:
                found.pop(line["end"], None)
        return list(found.values())

    def of_dead_runs(self) -> list[Change]:
        """What is pending although nobody lives any more who would undo it, oldest first."""
        return [change for change in self.pending() if not change.process.lives()]

    def forget_dead_runs(self) -> None:
        """Begin anew where nobody else is at work: what is pending belongs to something that is gone as a whole."""
        if not any(change.process.lives() for change in self.pending()):
            self._file.forget()


class Changes:
    """The changes of this run: each is noted before it is made, and undone by the one who undoes its kind.

    Whatever a scenario has changed is undone at its end, see :meth:`undo_all`; it may be undone earlier.
    """

    def __init__(self, journal: ChangeJournal) -> None:
        self._journal = journal
        self._undoers: dict[str, Undo] = {}
        self._made: list[Change] = []
        self._lock = threading.Lock()

    def undone_by(self, undoers: Mapping[str, Undo]) -> None:
        """Who undoes each kind of change. Told once, when all of them are there."""
        self._undoers.update(undoers)

    def begin(self, kind: str, what: str, **undo: Any) -> Change:
        """Note a change before it is made. Raises ``LookupError`` for a kind that nobody can undo, ``OSError`` when it
        cannot be noted: then it must not be made."""
        self._undoer_of(kind)
        change = self._journal.begin(kind, what, **undo)
        with self._lock:
            self._made.append(change)
        return change

    def has_made(self, kind: str) -> bool:
        """Whether a change of this kind is there that was not undone."""
        with self._lock:
            return any(change.kind == kind for change in self._made)

    def undo(self, change: Change) -> None:
        """Undo it, of this run or of another; what its undoer raises, when it is not undone."""
        self._undoer_of(change.kind)(change.undo)
        self._journal.end(change)
        with self._lock:
            self._made = [made for made in self._made if made.id != change.id]

    def undo_all(self, *kinds: str) -> None:
        """Undo what this run has changed, or what it changed of these kinds, the last change first.

        Every one is tried, also when another cannot be undone. The first that could not is raised at the end: those
        after it may have failed because of it.
        """
        with self._lock:
            made = [change for change in self._made if not kinds or change.kind in kinds]
        failures: list[BaseException] = []
        for change in reversed(made):
            try:
                self.undo(change)
            except BaseException as error:  # noqa: BLE001  # raised below, when every one was tried
                failures.append(error)
        if failures:
            raise failures[0]

    def _undoer_of(self, kind: str) -> Undo:
        if kind not in self._undoers:
            raise LookupError(f"nobody can undo a change of kind {kind!r}; known are: {', '.join(self._undoers)}")
        return self._undoers[kind]


def journal_file(reports: Path, environment: str) -> Path:
    return reports / f"changes-{environment}.jsonl"
