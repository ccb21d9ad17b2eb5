"""What was opened and not yet released, on disk: a run that is killed leaves behind the list of what to sweep."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One investigation and when its answer came (UTC)."""

    job_id: str
    opened_at: datetime


class RunLedger:
    """One JSON line for every opening and every release. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def opened(self, job_id: str) -> None:
        self._write({"opened": job_id, "at": datetime.now(UTC).isoformat()})

    def released(self, job_id: str) -> None:
        self._write({"released": job_id})

    def pending(self) -> list[Entry]:
        """What was opened and never released, oldest first. A line that was cut off by a kill is left out."""
        open_entries: dict[str, Entry] = {}
        for line in self._lines():
            if "opened" in line:
                open_entries[line["opened"]] = Entry(line["opened"], datetime.fromisoformat(line["at"]))
            else:
                open_entries.pop(line["released"], None)
        return list(open_entries.values())

    def forget(self) -> None:
        """Begin anew: what is pending belongs to something that is gone as a whole."""
        self._path.unlink(missing_ok=True)

    def _lines(self) -> list[dict[str, str]]:
        if not self._path.is_file():
            return []
        lines = self._path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def _write(self, line: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def ledger_file(reports: Path, environment: str) -> Path:
    return reports / f"ledger-{environment}.jsonl"
