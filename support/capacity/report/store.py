"""Stores gap reports, and keeps those of the running scenario as its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.capacity.load.run import CapacityRun
from support.capacity.report.curve_charts import render_load
from support.capacity.report.gap_report import build_report, write_report
from support.files import write_atomically


class Reports:
    """Writes reports. ``used`` are the files of the running scenario: the hooks clear it and list them as evidence."""

    def __init__(self, directory: Path, fingerprint: Mapping[str, Any], git_revision: str) -> None:
        self.directory, self.fingerprint, self.git_revision = directory, fingerprint, git_revision
        self.used: list[Path] = []

    def write(self, run: CapacityRun, required_jobs: int | None) -> tuple[Path, ...]:
        """Write the report of a run as JSON and as a page.

        A report about fewer investigations than required, or about others (``required_jobs`` None), is evidence of its
        scenario. It says nothing about the capacity of the site, so it is stored in another folder than those that do.
        """
        tells_capacity = required_jobs is not None and run.target.jobs >= required_jobs
        folder = self.directory if tells_capacity else self._evidence
        folder.mkdir(parents=True, exist_ok=True)
        paths = write_report(build_report(run), folder)
        self.use(paths)
        return paths

    def write_curves(self, title: str, environment: str, curves: Mapping[str, Any]) -> Path:
        """Write the page of a load without a gap report, as evidence of its scenario. Raises OSError on failure."""
        now = datetime.now(UTC)
        name = re.sub(r"[^a-z0-9]+", "-", f"{environment} {title}".lower())
        path = self._evidence / f"load_curves_{name}_{now:%Y%m%dT%H%M%SZ}.html"
        write_atomically(path, render_load(title, environment, now.isoformat(), curves))
        self.use([path])
        return path

    @property
    def _evidence(self) -> Path:
        return self.directory / "evidence"

    def use(self, paths: Iterable[Path]) -> None:
        """Add these files to the running scenario, even if another scenario wrote them."""
        self.used += [path for path in paths if path not in self.used]
