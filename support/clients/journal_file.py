"""A file of JSON lines that survives the kill of its writer: what was written is kept, what was cut off is not read."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO


class JournalFile:
    """Lines that no kill of this process takes away once :meth:`write` has returned.

    Those of a ``durable`` file survive the fall of the machine too, which takes some milliseconds for each. Safe to use
    from several threads.

    It is readable by its owner only: it holds what undoing a change needs, which may be the whole configuration of a
    server, until that is undone.
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._path, self._durable = path, durable
        self._lock = threading.Lock()

    def write(self, *lines: Mapping[str, Any]) -> None:
        """Append these lines. Raises OSError when the disk does not have them."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        with self._lock, _for_its_owner(self._path) as file:
            # A kill may have cut off the last line: ours must not be glued to it.
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                text = text if file.read(1) == b"\n" else "\n" + text
            file.write(text.encode())
            file.flush()
            if self._durable:
                os.fsync(file.fileno())

    def blank(self, text: str) -> None:
        """Take the lines that hold ``text`` out of the file. What others append meanwhile stays: nothing is moved."""
        with self._lock, self._path.open("rb+") as file:
            position = 0
            for line in file.readlines():
                if text.encode() in line:
                    file.seek(position)
                    file.write(b" " * (len(line) - 1))
                position += len(line)

    def lines(self) -> list[dict[str, Any]]:
        """Every whole line, oldest first. A line that was cut off by a kill is left out."""
        if not self._path.is_file():
            return []
        found = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                parsed = json.loads(line)
            except ValueError:  # cut off, or the empty end of the file
                continue
            if isinstance(parsed, dict):
                found.append(parsed)
        return found

    def forget(self) -> None:
        """Begin anew."""
        self._path.unlink(missing_ok=True)


def _for_its_owner(path: Path) -> BinaryIO:
    """Open for reading and appending; made, where it is not there, for its owner only."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+")
