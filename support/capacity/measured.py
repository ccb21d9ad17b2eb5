"""Measurements of loads: of a single one, or of loads of growing size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from support.capacity.load.results import LoadStep
from support.capacity.load.run import CapacityRun
from support.investigations.streams import Connection
from support.model import requests


@dataclass(frozen=True)
class Measured:
    """A finished load and the report on it."""

    run: CapacityRun
    reports: tuple[Path, ...]
    refusing: tuple[Connection, ...] = ()
    still_published: tuple[int, ...] = ()
    windows: tuple[requests.Times, ...] = ()
    """The windows that were requested, in order, if each investigation requests another."""
    told_before: tuple[str, ...] = ()
    """The earlier measurement, if this one repeats it because the tester's own machine had spoilt it."""

    @property
    def step(self) -> LoadStep:
        """The load. Raises AssertionError if none was made."""
        if self.run.step is None:
            raise AssertionError("no load was made")
        return self.run.step

    @property
    def job_ids(self) -> list[str]:
        """The job ids that the answers contain."""
        return [record.job_id for record in self.step.records if record.job_id]


@dataclass(frozen=True)
class Growth:
    """Loads of growing size; ``stopped_because`` is empty unless a step failed badly."""

    measured: tuple[Measured, ...]
    stopped_because: str = ""
