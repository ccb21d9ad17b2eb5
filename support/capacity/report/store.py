"""Where gap reports are written, and which of them the scenario that runs has to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from support.capacity.load.run import CapacityRun
from support.capacity.report.gap_report import build_report, write_report


class Reports:
    """``used`` are the files of the scenario that runs: the hooks empty it, and list them as evidence."""

    def __init__(self, directory: Path, fingerprint: Mapping[str, Any], git_revision: str) -> None:
        self.directory, self.fingerprint, self.git_revision = directory, fingerprint, git_revision
        self.used: list[Path] = []

    def write(self, run: CapacityRun, required_jobs: int) -> tuple[Path, ...]:
        """The report of a run, as JSON and as a page.

        One about fewer investigations than are required is evidence of its scenario: it says nothing about the
        capacity of the site, so it must not lie where that is looked up.
        """
        folder = self.directory if run.target.jobs >= required_jobs else self.directory / "evidence"
        folder.mkdir(parents=True, exist_ok=True)
        paths = write_report(build_report(run), folder)
        self.use(paths)
        return paths

    def use(self, paths: Iterable[Path]) -> None:
        """These files belong to the scenario that runs, whoever wrote them."""
        self.used += [path for path in paths if path not in self.used]
