"""What a load has measured: one load, or loads of growing size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from support.capacity.load.results import LoadStep
from support.capacity.load.run import CapacityRun
from support.investigations.streams import Connection
from support.model import requests


@dataclass(frozen=True)
class Measured:
    """A load that was made, and the report on it."""

    run: CapacityRun
    reports: tuple[Path, ...]
    refusing: tuple[Connection, ...] = ()
    still_published: tuple[int, ...] = ()
    windows: tuple[requests.Times, ...] = ()
    """What each was asked for, in order, where they ask for different windows."""
    told_before: tuple[str, ...] = ()
    """What was measured before, where this is a repetition of what the tester's own machine had spoilt."""

    @property
    def step(self) -> LoadStep:
        """The load. AssertionError when there was none."""
        if self.run.step is None:
            raise AssertionError("no load was made")
        return self.run.step

    @property
    def job_ids(self) -> list[str]:
        """Every job that an answer named."""
        return [record.job_id for record in self.step.records if record.job_id]


@dataclass(frozen=True)
class Growth:
    """Loads of growing size; ``stopped_because`` is empty when the required number was reached."""

    measured: tuple[Measured, ...]
    stopped_because: str = ""
