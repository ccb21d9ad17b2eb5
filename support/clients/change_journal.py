"""Every change to an environment, on disk before it is made: what a killed run has left can be named and undone.

A change is begun before its first request is sent, with everything that undoing it needs, and ended when it is proven
to be undone. What was begun and never ended is pending: of a run that still lives, or of one that was killed.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Change:
    """One change. ``kind`` names who can undo it, ``what`` says it to people, ``undo`` holds plain JSON values."""

    id: str
    kind: str
    what: str
    undo: Mapping[str, Any]
    begun_at: datetime
    pid: int


class ChangeJournal:
    """One JSON line for the beginning and one for the end of every change. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def begin(self, kind: str, what: str, **undo: Any) -> Change:
        """Note a change that is about to be made; returns when the disk has it. Raises OSError: then do not make it."""
        change = Change(secrets.token_hex(6), kind, what, undo, datetime.now(UTC), os.getpid())
        self._write(
            {
                "begin": change.id,
                "kind": kind,
                "what": what,
                "undo": undo,
                "at": change.begun_at.isoformat(),
                "pid": change.pid,
            }
        )
        return change

    def end(self, change: Change) -> None:
        """Note that it is undone, or that it was never made."""
        self._write({"end": change.id})

    def pending(self) -> list[Change]:
        """What was begun and not ended, oldest first. A line that was cut off by a kill is left out."""
        found: dict[str, Change] = {}
        for line in self._lines():
            if "begin" in line:
                at = datetime.fromisoformat(line["at"])
                found[line["begin"]] = Change(line["begin"], line["kind"], line["what"], line["undo"], at, line["pid"])
            else:
                found.pop(line["end"], None)
        return list(found.values())

    def forget(self) -> None:
        """Begin anew: what is pending belongs to something that is gone as a whole."""
        self._path.unlink(missing_ok=True)

    def _lines(self) -> list[dict[str, Any]]:
        if not self._path.is_file():
            return []
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").split("\n")[:-1]]

    def _write(self, line: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def journal_file(reports: Path, environment: str) -> Path:
    return reports / f"changes-{environment}.jsonl"
