"""The parts of a matrix and their order: which may run side by side, and which must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.fault_catalogue import Fault
from tools.fault_matrix.judgement import Run
from tools.fault_matrix.rows import Row, selection


@dataclass(frozen=True)
class Plan:
    """The content of a matrix. ``rows`` are those that can run; with ``everything`` all of them run with each fault.
    ``workers`` sandboxes are at work at a time, and each runs ``parallel`` scenarios side by side. ``options`` are
    additional arguments of ``sandbox up``."""

    settings: Mapping[str, int | float | str]
    faults: Sequence[Fault]
    rows: Sequence[Row]
    tags: str
    everything: bool
    workers: int
    parallel: int
    reports: Path
    options: Sequence[str] = ()

    def rows_with(self, fault: Fault) -> list[Row]:
        return list(self.rows) if self.everything else selection(fault, self.rows)

    def healthy_rows(self) -> list[Row]:
        """Return the rows that run with at least one of the faults."""
        concerned = {row.id for fault in self.faults for row in self.rows_with(fault)}
        return [row for row in self.rows if row.id in concerned]

    @property
    def is_alone(self) -> bool:
        """Whether a sandbox occupies 127.0.0.1 itself, so that only one can run at a time."""
        return self.settings.get("addresses") == "one"

    @property
    def at_work(self) -> int:
        """The number of sandboxes at work at a time."""
        return 1 if self.is_alone else self.workers

    def parts(self, fault: Fault) -> list[Part]:
        """Split the rows of a fault: those that may run beside other sandboxes, those that must not, and those that
        measure for a long time."""
        rows = self.rows_with(fault)
        kinds = {
            "": [row for row in rows if not row.is_apart],
            "alone/": [row for row in rows if row.is_apart and not row.lasts],
            "long/": [row for row in rows if row.lasts],
        }
        parts = [Part(f"{folder}{fault.id}", fault, some) for folder, some in kinds.items() if some]
        return parts if len(parts) > 1 else [Part(fault.id, fault, rows)]

    def quiet(self) -> list[Part]:
        """Return the parts that run side by side and do not mostly wait, the largest first."""
        return sorted(self._parts(waits=False, is_apart=False), key=lambda part: -len(part.rows))

    def waiting(self) -> list[Part]:
        """Return the parts that mostly wait and need little of the machine. The last faults of the catalogue come
        first, because they take longest."""
        return self._parts(waits=True, is_apart=False)[::-1]

    def apart(self) -> list[Part]:
        """Return the parts that tolerate no neighbour; they run one at a time."""
        return [part for part in self._parts(None, is_apart=True) if not part.lasts]

    def lasting(self, waits: bool) -> list[Part]:
        """Return the parts that measure for a long time, most rows first, of faults that mostly wait or of the others.
        They leave most of the machine unused, so they run beside each other, and beside nothing else."""
        found = [part for part in self._parts(waits, is_apart=True) if part.lasts]
        return sorted(found, key=lambda part: -len(part.rows))

    def _parts(self, waits: bool | None, is_apart: bool) -> list[Part]:
        parts = [part for fault in self.faults if waits in (None, fault.waits) for part in self.parts(fault)]
        return [part for part in parts if part.is_apart is is_apart]


@dataclass(frozen=True)
class Part:
    """Some of the rows that run with a fault. ``name`` is the folder of its reports."""

    name: str
    fault: Fault
    rows: Sequence[Row]

    @property
    def is_apart(self) -> bool:
        return any(row.is_apart for row in self.rows)

    @property
    def lasts(self) -> bool:
        return any(row.lasts for row in self.rows)


@dataclass(frozen=True)
class Control:
    """A row that runs only with the variables of ``fault``. With them, and without the fault, it must pass.

    Without this check, a scenario that always fails would seem to have caught something.
    """

    row: Row
    fault: Fault


def controls(plan: Plan, healthy: Run) -> list[Control]:
    """Return a control for each row left out of the healthy run that a fault with variables of its own expects."""
    left_out = [row for row in plan.healthy_rows() if row.id not in healthy.passed()]
    return [Control(row, fault) for row in left_out if (fault := _enabling(row, plan.faults)) is not None]


def _enabling(row: Row, faults: Sequence[Fault]) -> Fault | None:
    """Return the first fault that is switched on, brings variables, and expects the row."""
    return next(
        (one for one in faults if one.is_switch and one.environment and any(map(row.is_meant_by, one.scenarios))), None
    )


def divided(rows: Sequence[Row], shares: int) -> list[list[Row]]:
    """Divide the rows into at most ``shares`` parts; a feature is not divided."""
    features = list(dict.fromkeys(row.feature for row in rows))
    parts = [frozenset(features[number::shares]) for number in range(shares)]
    return [[row for row in rows if row.feature in part] for part in parts if part]
