"""The answers that opened the investigations, kept across restarts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from environments.sandbox.focus_server.hooks import hook


class AnswerBook:
    """A store with one file per open investigation, read once at the start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        self._answers: dict[str, Mapping[str, Any]] = {}

    def load(self, open_jobs: Iterable[str]) -> None:
        """Load the answers that an earlier process wrote for jobs that still exist; delete the others."""
        kept = set(open_jobs)
        for file in self.folder.iterdir():
            try:
                answer = json.loads(file.read_text(encoding="utf-8"))
            except ValueError:  # the process ended while writing, so no client received this answer
                answer = None
            if answer is None or file.name not in kept:
                file.unlink()
            else:
                self._answers[file.name] = answer

    @hook("answer.keep")
    def put(self, job_id: str, answer: Mapping[str, Any]) -> None:
        self._answers[job_id] = answer
        (self.folder / job_id).write_text(json.dumps(answer), encoding="utf-8")

    def get(self, job_id: str) -> Mapping[str, Any] | None:
        return self._answers.get(job_id)

    def forget(self, job_id: str) -> None:
        """Delete the answer of a job that is gone; unknown jobs are ignored."""
        if self._answers.pop(job_id, None) is not None:
            (self.folder / job_id).unlink(missing_ok=True)
