"""Journal of changes to an environment. Each is on disk before it is made: a killed run's changes can be undone.

A change begins before its first request is sent; its record holds everything needed to undo it. It ends once it is
proven to be undone. A change that has begun and not ended is pending: its run is still alive, or was killed.
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
"""A function that undoes one change and proves it. It may be called for a change that was never made or is already
undone. It raises if it cannot prove that nothing of the change is left."""


@dataclass(frozen=True)
class Change:
    """One change. ``kind`` selects its undo function, ``what`` describes it for people, ``undo`` holds JSON values."""

    id: str
    kind: str
    what: str
    undo: Mapping[str, Any]
    begun_at: datetime
    process: ProcessId


class ChangeJournal:
    """A file with one JSON line for the beginning and one for the end of each change. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JournalFile(path, durable=True)

    def begin(self, kind: str, what: str, **undo: Any) -> Change:
        """Record a change that is about to be made; returns once it is on disk.

        Raises OSError if it cannot be recorded; the change must not be made then.
        """
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
        # Return what a later run will read: a value that JSON cannot keep shows up now and not after a kill.
        return Change(change.id, kind, what, json.loads(json.dumps(undo)), change.begun_at, change.process)

    def end(self, change: Change) -> None:
        """Record that the change is undone or was never made. Its undo data, which may be secret, is erased."""
        self._file.write({"end": change.id})
        self._file.blank(f'"begin": "{change.id}"')

    def pending(self) -> list[Change]:
        """Return the changes that have begun and not ended, oldest first."""
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
        """Return the pending changes whose process no longer runs, oldest first."""
        return [change for change in self.pending() if not change.process.lives()]

    def forget_dead_runs(self) -> None:
        """Delete the journal unless a process with pending changes is still running.

        For an environment that was created anew: the changed one no longer exists.
        """
        if not any(change.process.lives() for change in self.pending()):
            self._file.forget()


class Changes:
    """The changes of this run. Each is recorded before it is made, and undone by the function for its kind.

    Changes of a scenario are undone at its end, see :meth:`undo_all`; they may be undone earlier.
    """

    def __init__(self, journal: ChangeJournal) -> None:
        self._journal = journal
        self._undoers: dict[str, Undo] = {}
        self._made: list[Change] = []
        self._lock = threading.Lock()

    def undone_by(self, undoers: Mapping[str, Undo]) -> None:
        """Set the undo function for each kind of change. Called once, when all of them are available."""
        self._undoers.update(undoers)

    def begin(self, kind: str, what: str, **undo: Any) -> Change:
        """Record a change before it is made.

        Raises ``LookupError`` for a kind without an undo function, and ``OSError`` if the change cannot be recorded; it
        must not be made then.
        """
        self._undoer_of(kind)
        change = self._journal.begin(kind, what, **undo)
        with self._lock:
            self._made.append(change)
        return change

    def has_made(self, kind: str) -> bool:
        """Whether this run has made a change of this kind that is not undone yet."""
        with self._lock:
            return any(change.kind == kind for change in self._made)

    def undo(self, change: Change) -> None:
        """Undo a change of this run or of another. Raises the error of its undo function if that fails."""
        self._undoer_of(change.kind)(change.undo)
        self._journal.end(change)
        with self._lock:
            self._made = [made for made in self._made if made.id != change.id]

    def undo_all(self, *kinds: str) -> None:
        """Undo the changes of this run, or those of the given kinds, the latest first.

        Each change is tried, even if another cannot be undone. The first error is raised at the end, because later
        ones may be its consequence.
        """
        with self._lock:
            made = [change for change in self._made if not kinds or change.kind in kinds]
        failures: list[BaseException] = []
        for change in reversed(made):
            try:
                self.undo(change)
            except BaseException as error:  # noqa: BLE001  # raised below, after each change was tried
                failures.append(error)
        if failures:
            raise failures[0]

    def _undoer_of(self, kind: str) -> Undo:
        if kind not in self._undoers:
            raise LookupError(f"nobody can undo a change of kind {kind!r}; known are: {', '.join(self._undoers)}")
        return self._undoers[kind]


def journal_file(reports: Path, environment: str) -> Path:
    return reports / f"changes-{environment}.jsonl"
