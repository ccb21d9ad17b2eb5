"""All scenarios and outline rows of the features, and the selection that runs with a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

from support.config import Environment
from support.fault_catalogue import Fault
from support.gherkin.documents import Document, Example, Step
from support.selection import reason_to_skip

_NOT_YET = frozenset({"wip", "quarantine"})
_COSTLY = frozenset({"disruptive"})
_LOAD = frozenset({"load", "slow"})
_APART = frozenset({"alone", "slow"})
_TURNS = 8
"""A requirement is watched with about one in this number of faults."""


@dataclass(frozen=True)
class Row:
    """One scenario, or one row of an outline: ``id`` as in the run record, ``place`` as behave selects it."""

    id: str
    place: str
    tags: frozenset[str]
    steps: int
    texts: tuple[str, ...] = ()
    """The texts of its steps."""

    @property
    def requirement(self) -> str:
        return self.id[:5]

    @property
    def feature(self) -> str:
        return self.place.rpartition(":")[0]

    @property
    def is_costly(self) -> bool:
        """Whether it needs an outage, such as a restart or a full cluster."""
        return bool(self.tags & _COSTLY)

    @property
    def is_load(self) -> bool:
        """Whether it loads the server or takes long. Such a row does not watch over unrelated faults."""
        return bool(self.tags & _LOAD)

    @property
    def is_apart(self) -> bool:
        """Whether its measurements tolerate no neighbour: nothing else may use the machine meanwhile."""
        return bool(self.tags & _APART)

    @property
    def lasts(self) -> bool:
        """Whether it measures for a long time; such a row is skipped unless it is asked for."""
        return "slow" in self.tags

    def is_meant_by(self, name: str) -> bool:
        """Whether an id, with or without a row number, stands for this row."""
        return name in (self.id, self.id.split(".")[0])


def rows_of(documents: Iterable[Document]) -> list[Row]:
    """Return all rows that have an id, in the order of the features."""
    return [
        row
        for document in documents
        for rule in document.rules
        for example in rule.examples
        for row in _rows(document.place, example)
    ]


def _rows(place: str, example: Example) -> Iterator[Row]:
    tags = frozenset(example.tags)
    if example.id is None:
        return
    if not example.blocks:
        yield Row(example.id, f"{place}:{example.line}", tags, len(example.steps), _texts(example.steps))
    for row in (row for block in example.blocks for row in block.rows):
        yield Row(f"{example.id}.{row.number}", f"{place}:{row.line}", tags, len(row.steps), _texts(row.steps))


def _texts(steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(step.name for step in steps)


def said_in_backlog_only(rows: Iterable[Row], phrases_of: Callable[[Iterable[str]], frozenset[str]]) -> frozenset[str]:
    """Return the phrases used only by the backlog. The product lacks these features, so no fault can break them."""
    rows = list(rows)
    backlog, others = (
        phrases_of(text for row in rows if ("backlog" in row.tags) is is_backlog for text in row.texts)
        for is_backlog in (True, False)
    )
    return backlog - others


def rows_to_prove(rows: Iterable[Row], environment: Environment) -> list[Row]:
    """Return the rows that run in this environment and so can be seen failing; no backlog, no unfinished ones."""
    return [row for row in rows if not row.tags & _NOT_YET and reason_to_skip(row.tags, environment) is None]


def watch_of(rows: Iterable[Row], fault: Fault) -> list[Row]:
    """Return rows of requirements that the fault has nothing to do with, to detect that it breaks them all the same.

    Each requirement is represented by one short row, always the same. Not every fault watches all requirements: they
    take turns. Of the requirements that need an outage, a fault watches only one; otherwise watching would take most of
    the time of the matrix. Rows that measure under load never watch: they would measure the other sandboxes.
    """
    best: dict[str, Row] = {}
    for row in (row for row in rows if not row.is_load):
        known = best.setdefault(row.requirement, row)
        if (row.is_costly, row.steps) < (known.is_costly, known.steps):
            best[row.requirement] = row
    unrelated = [row for requirement, row in best.items() if requirement not in {fault.requirement, *fault.related}]
    costly = [row for row in unrelated if row.is_costly]
    turn = [costly[_drawn(fault.id) % len(costly)]] if costly else []
    return [row for row in unrelated if not row.is_costly and _is_its_turn(row, fault)] + turn


def _is_its_turn(row: Row, fault: Fault) -> bool:
    return _drawn(f"{fault.id} {row.requirement}") % _TURNS == 0


def _drawn(text: str) -> int:
    """Return a pseudo-random number that depends only on the text."""
    return crc32(text.encode())


def selection(fault: Fault, rows: Iterable[Row]) -> list[Row]:
    """Return the rows that run with a fault: all that must fail, and the watch over unrelated requirements.

    Other rows of its own and of the related requirements may pass or fail, so running them would prove nothing. Rows
    that tolerate no neighbour keep watch only where the fault has to run alone anyway.
    """
    rows = list(rows)
    wanted = [row for row in rows if any(row.is_meant_by(name) for name in fault.scenarios)]
    is_alone = any(row.is_apart and not row.lasts for row in wanted)
    chosen = {row.id for row in wanted} | {row.id for row in watch_of(rows, fault) if is_alone or not row.is_apart}
    return [row for row in rows if row.id in chosen]
