"""The log file of one container, at the path where the API server reads it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path


class PodLog:
    """A log whose lines begin with their time. It may instead show the log of a process of the sandbox."""

    def __init__(self, run_dir: Path, namespace: str, pod: str, container: str) -> None:
        self._path = run_dir / "pod-logs" / f"{namespace}_{pod}_{container}.log"
        self._previous = self._path.with_suffix(".previous.log")
        self._process_log = run_dir / "logs"

    def begin(self) -> None:
        """Begin an empty log."""
        self.remove()
        self._path.touch()

    def keep_as_previous(self) -> None:
        """Keep a copy of the log as that of the previous instance, because the container is about to restart.

        The log may be missing if the process behind it was killed; that is not an error.
        """
        try:
            shutil.copyfile(self._path, self._previous)
        except FileNotFoundError:
            self._previous.unlink(missing_ok=True)

    def read(self) -> str:
        return self._path.read_text(encoding="utf-8", errors="replace")

    def write(self, *lines: str, level: str = "INFO", source: str = "pz.baby_analyzer") -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{time} {level} {source} {line}\n" for line in lines)

    def show(self, process_log: str) -> None:
        """Show the log of this process of the sandbox from now on."""
        link = self._path.with_suffix(".link")
        link.symlink_to(self._process_log / process_log)
        link.replace(self._path)  # atomic: a concurrent reader finds either the old log or the new one

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def remove_all(self) -> None:
        self.remove()
        self._previous.unlink(missing_ok=True)
