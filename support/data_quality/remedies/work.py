"""Carries out a plan: one change after the other, each verified when it is made, interruptible at any moment."""

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
    """The part of the MongoDB client that is used here."""

    def change(self, command: Document) -> Document: ...


@dataclass
class RemedyWork:
    """The result of each change. ``stopped`` says why the others were not begun; None if all were tried."""

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
    """Carry out a plan. A refused change does not stop the others. Ctrl-C and a lost database do."""
    work, remedying = RemedyWork(), _Remedying(plan, database, tell)
    for change in plan.changes:
        what = plan.what(change)
        if remedying.stopped is not None:
            work.not_begun.append(what)
            tell(f"  not begun: {what}")
        elif (reason := remedying.trouble_with(change)) is not None:
            work.failed.append(what)
            tell(f"  NOT done: {what}: {reason}")
        else:
            work.done.append(what)
            tell(f"  done: {what}")
    work.stopped = remedying.stopped
    return work


class _Remedying:
    """The changes in progress. ``stopped`` says why no further change is begun."""

    def __init__(self, plan: RemedyPlan, database: ChangeableDatabase, tell: Tell) -> None:
        self._plan, self._database, self._tell = plan, database, tell
        self.stopped: str | None = None

    def trouble_with(self, change: RemedyChange) -> str | None:
        """Make a change. Returns why it was not made, or None."""
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
        """Look whether a change was made although its answer was lost. Returns why it was not, or None."""
        try:
            return None if self._is_made(change) else f"{error}; it may still be under way: look again before anything"
        except DatabaseError:
            return f"{error}; whether it was done is not known"

    def _left_of(self, change: RemedyChange) -> str | None:
        """Look up the state that an interruption left. Returns None if the change was made."""
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
        """Build an index in a separate thread, so that this one can report the progress and stop the build."""
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
        """Ask the database to abandon a build.

        A refusal is only reported, because the result is looked up afterwards.
        """
        self._tell("     interrupted: the database is told to give this index up")
        try:
            self._database.change({"dropIndexes": command["createIndexes"], "index": command["indexes"][0]["name"]})
        except DatabaseError as error:
            self._tell(f"     {error}")
