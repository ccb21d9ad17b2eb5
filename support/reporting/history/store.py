"""The store of the history: `reports/history/`, one file for each run.

A file is written atomically, under a name that no other run can have. Two runs that end at the same moment cannot
damage each other's entry, and a run that is killed while it writes leaves nothing that would be read.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from support.files import write_atomically
from support.reporting.history.entry import HistoryEntry

KEEP = 500
"""The number of runs kept for each environment; an entry takes about 12 KB for 200 scenarios."""
_ABANDONED_AFTER_S = 3600.0


@dataclass(frozen=True)
class History:
    """The runs in the order of their start. `unreadable` has one sentence for each file that could not be read."""

    entries: tuple[HistoryEntry, ...]
    unreadable: tuple[str, ...] = ()

    def environments(self) -> list[str]:
        """Return the environments that were run, the one of the latest run first."""
        return list(dict.fromkeys(entry.environment for entry in reversed(self.entries)))

    def of(self, environment: str) -> tuple[HistoryEntry, ...]:
        return tuple(entry for entry in self.entries if entry.environment == environment)


def append(folder: Path, entry: HistoryEntry, keep: int = KEEP) -> Path:
    """Write `entry`, keep only the newest `keep` runs of its environment, and return the path. A second call for the
    same run in the same process replaces the entry. Raises OSError for a folder that cannot be written."""
    prefix = re.sub(r"[^a-z0-9_-]", "_", entry.environment.lower())[:40]
    path = folder / f"{prefix}.{entry.started:%Y%m%dT%H%M%S.%f}Z.{os.getpid()}.json"
    write_atomically(path, entry.line())
    _remove(sorted(folder.glob(f"{prefix}.*.json"))[:-keep])
    _remove(path for path in folder.glob(".*.json.*") if _is_abandoned(path))
    return path


def read_history(folder: Path) -> History:
    """Read all runs; the history is empty if the folder does not exist."""
    entries: list[HistoryEntry] = []
    unreadable: list[str] = []
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            entries.append(HistoryEntry.model_validate_json(path.read_bytes()))
        except FileNotFoundError:
            continue  # another run has just removed this old entry
        except OSError as error:
            unreadable.append(f"{path.name}: cannot be read: {error.strerror}")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "all of it"
            unreadable.append(f"{path.name}: not an entry of the history: {place}: {first['msg']}")
    entries.sort(key=lambda entry: entry.started)
    return History(tuple(entries), tuple(unreadable))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)  # another run may have removed it first


def _is_abandoned(path: Path) -> bool:
    """Whether a temporary file was left by a run that was killed while it wrote."""
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S
    except FileNotFoundError:
        return False
