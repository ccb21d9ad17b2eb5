"""The overview on the start page: one square for each requirement, area by area, and the totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from support.gherkin.dictionary import AREAS
from support.reporting.record.model import BAD_STATUSES
from support.reporting.site.verdicts import DisplayedVerdict
from support.reporting.site.views import AreaView, RequirementView


@dataclass(frozen=True)
class Square:
    """A requirement. `proven`: whether all faults that break it were noticed; None if no fault was tried here."""

    id: str
    title: str
    verdict: DisplayedVerdict
    proven: bool | None

    @property
    def number(self) -> str:
        return self.id[3:]


@dataclass(frozen=True)
class AreaRow:
    """The squares of one area. `page` is empty for an area without features."""

    code: str
    name: str
    page: str
    squares: tuple[Square, ...]


@dataclass(frozen=True)
class Overview:
    rows: tuple[AreaRow, ...]

    @property
    def total(self) -> int:
        return len(self._squares())

    @property
    def covered(self) -> int:
        return sum(square.verdict.kind not in ("missing", "backlog") for square in self._squares())

    @property
    def holding(self) -> int:
        return sum(square.verdict.kind == "passed" for square in self._squares())

    @property
    def broken(self) -> int:
        return sum(square.verdict.kind in BAD_STATUSES for square in self._squares())

    @property
    def proven(self) -> int | None:
        """The number of requirements whose faults were noticed; None if no fault was tried."""
        tried = [square for square in self._squares() if square.proven is not None]
        return sum(bool(square.proven) for square in tried) if tried else None

    def _squares(self) -> list[Square]:
        return [square for row in self.rows for square in row.squares]


def overview_of(
    requirements: Iterable[RequirementView], areas: Iterable[AreaView], proven: Mapping[str, bool] | None
) -> Overview:
    """Return the overview. `proven` says for each requirement whether all its faults were noticed; None if no fault was
    tried."""
    pages = {area.name: area.page for area in areas if area.features}
    known = [view for view in requirements if view.title]
    rows = [
        AreaRow(
            code,
            folder,
            pages.get(folder, ""),
            tuple(
                Square(view.id, view.title, view.verdict, None if proven is None else proven.get(view.id, False))
                for view in known
                if view.id.startswith(f"{code}-")
            ),
        )
        for code, folder in AREAS.items()
    ]
    return Overview(tuple(row for row in rows if row.squares))
