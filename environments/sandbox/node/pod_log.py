"""The log file of one container, where the API server reads it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path


class PodLog:
    """Lines begin with their time. A container may instead show the log of a process of the sandbox."""

    def __init__(self, run_dir: Path, namespace: str, pod: str, container: str) -> None:
        self._path = run_dir / "pod-logs" / f"{namespace}_{pod}_{container}.log"
        self._previous = self._path.with_suffix(".previous.log")
        self._process_log = run_dir / "logs"

    def begin(self) -> None:
        """An empty log."""
        self.remove()
        self._path.touch()

    def keep_as_previous(self) -> None:
        """The container will start again: what it has written so far is also the log of its earlier life.

        A process that was killed may have no log any more, or none yet; the node outlives that.
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
        """From now on the log is the one of this process of the sandbox."""
        link = self._path.with_suffix(".link")
        link.symlink_to(self._process_log / process_log)
        link.replace(self._path)  # whoever reads it meanwhile finds the old one or the new one

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def remove_all(self) -> None:
        self.remove()
        self._previous.unlink(missing_ok=True)
