"""Carries out a plan: one change after the other, each looked at when it is made, stoppable at any moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from support.clients.mongodb.client import DatabaseError
from support.clients.mongodb.facts import Document
from support.data_quality.remedies.changes import IndexChange, RemedyChange
from support.data_quality.remedies.plan import RemedyPlan
from support.data_quality.remedies.progress import BusyDatabase, build_progress
from support.data_quality.remedies.state import ReadableState, state_of_change

_LOOK_AGAIN_S = 1.0
Tell = Callable[[str], None]


class ChangeableDatabase(ReadableState, BusyDatabase, Protocol):
    """What is used of the MongoDB client."""

    def change(self, command: Document) -> Document: ...


@dataclass
class RemedyWork:
    """What became of each change. ``stopped`` says why the others were not begun; None if all had their turn."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    not_begun: list[str] = field(default_factory=list)
    stopped: str | None = None

    @property
    def succeeded(self) -> bool:
        return not (self.failed or self.not_begun)

    @property
    def sentence(self) -> str:
        counts = f"{len(self.done)} done, {len(self.failed)} not done, {len(self.not_begun)} not begun"
        return f"{counts}: {self.stopped}" if self.stopped else counts


def carry_out(plan: RemedyPlan, database: ChangeableDatabase, tell: Tell) -> RemedyWork:
    """A change that is refused does not keep the others from their turn. Ctrl-C does, and a database that is gone."""
    work, remedying = RemedyWork(), _Remedying(plan, database, tell)
    for change in plan.changes:
        what = plan.what(change)
        if remedying.stopped is not None:
            work.not_begun.append(what)
            tell(f"  not begun: {what}")
        elif (trouble := remedying.trouble_with(change)) is not None:
            work.failed.append(what)
            tell(f"  NOT done: {what}: {trouble}")
        else:
            work.done.append(what)
            tell(f"  done: {what}")
    work.stopped = remedying.stopped
    return work


class _Remedying:
    """``stopped`` says why nothing more is begun."""

    def __init__(self, plan: RemedyPlan, database: ChangeableDatabase, tell: Tell) -> None:
        self._plan, self._database, self._tell = plan, database, tell
        self.stopped: str | None = None

    def trouble_with(self, change: RemedyChange) -> str | None:
        """Make it; why it is not made, or None."""
        try:
            self._make(change)
            return None if self._is_made(change) else "it is not as the plan has seen it any more, and is left alone"
        except DatabaseError as error:
            if error.kind == "refused":
                return str(error)
            self.stopped = "the database cannot be asked any more"
            return self._after_the_loss(change, error)
        except KeyboardInterrupt:
            self.stopped = "it was interrupted"
            return self._left_of(change)

    def _after_the_loss(self, change: RemedyChange, error: DatabaseError) -> str | None:
        """The answer of a change was lost; the change itself need not be."""
        try:
            return None if self._is_made(change) else f"{error}; it may still be under way: look again before anything"
        except DatabaseError:
            return f"{error}; whether it was done is not known"

    def _left_of(self, change: RemedyChange) -> str | None:
        """What an interruption has left, looked at and not assumed."""
        was = change.after if self._plan.back else change.before
        try:
            if self._is_made(change):
                return None
            state = state_of_change(self._database, change)
        except DatabaseError as error:
            return f"it was interrupted, and what is left cannot be seen: {error}"
        return "it was interrupted, and all is as it was" if state == was else f"it was interrupted, and left {state}"

    def _is_made(self, change: RemedyChange) -> bool:
        target = change.before if self._plan.back else change.after
        return state_of_change(self._database, change) == target

    def _make(self, change: RemedyChange) -> None:
        begun = False
        try:
            for command in self._plan.commands(change):
                self._send(command)
                begun = True
            begun = False
        finally:
            if begun and isinstance(change, IndexChange) and not self._plan.back:
                for command in change.repairs():
                    self._database.change(command)

    def _send(self, command: Document) -> None:
        if "createIndexes" in command:
            self._build(command)
        else:
            self._database.change(command)

    def _build(self, command: Document) -> None:
        """In a thread of its own, so that this one can look how far it is, and end it."""
        with ThreadPoolExecutor(1) as beside:
            building = beside.submit(self._database.change, command)
            try:
                while wait({building}, timeout=_LOOK_AGAIN_S).not_done:
                    if (progress := build_progress(self._database)) is not None:
                        self._tell(f"     building: {progress}")
            except KeyboardInterrupt:
                self._give_up(command)
                raise
            building.result()

    def _give_up(self, command: Document) -> None:
        """What has come of it is looked at afterwards, so that a refusal is told only."""
        self._tell("     interrupted: the database is told to give this index up")
        try:
            self._database.change({"dropIndexes": command["createIndexes"], "index": command["indexes"][0]["name"]})
        except DatabaseError as error:
            self._tell(f"     {error}")
