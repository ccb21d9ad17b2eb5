"""A JSON Lines file that survives a kill of its writer: complete lines are kept, a truncated line is not read."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO


class JournalFile:
    """A JSON Lines file whose lines survive a kill of this process once :meth:`write` has returned.

    The lines of a ``durable`` file also survive a crash of the machine; each write then takes some milliseconds. Safe
    to use from several threads.

    Only its owner can read the file. Until a change is undone, the file holds the data needed to undo it, which may be
    the whole configuration of a server.
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._path, self._durable = path, durable
        self._lock = threading.Lock()

    def write(self, *lines: Mapping[str, Any]) -> None:
        """Append these lines. Raises OSError if they are not on disk."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        with self._lock, _for_its_owner(self._path) as file:
            # A kill may have truncated the last line: the new text must start on a line of its own.
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                text = text if file.read(1) == b"\n" else "\n" + text
            file.write(text.encode())
            file.flush()
            if self._durable:
                os.fsync(file.fileno())

    def blank(self, text: str) -> None:
        """Overwrite the lines that hold ``text`` with blanks. Nothing moves, so lines appended meanwhile are kept."""
        with self._lock, self._path.open("rb+") as file:
            position = 0
            for line in file.readlines():
                if text.encode() in line:
                    file.seek(position)
                    file.write(b" " * (len(line) - 1))
                position += len(line)

    def lines(self) -> list[dict[str, Any]]:
        """Return all complete lines, oldest first. A line that a kill has truncated is left out."""
        if not self._path.is_file():
            return []
        found = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                parsed = json.loads(line)
            except ValueError:  # truncated, blanked, or the empty end of the file
                continue
            if isinstance(parsed, dict):
                found.append(parsed)
        return found

    def forget(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)


def _for_its_owner(path: Path) -> BinaryIO:
    """Open the file for reading and appending. A new file is accessible to its owner only."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+")
