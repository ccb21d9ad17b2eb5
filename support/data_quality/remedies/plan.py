"""A plan: all changes with their commands, what needs a decision first, and what is left alone and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bson import json_util

from support.clients.mongodb.facts import Document
from support.data_quality.remedies.changes import RemedyChange


@dataclass(frozen=True)
class RemedyPlan:
    """The changes of a remedy. ``blocked`` are sentences on what cannot be remedied before a person makes a decision.

    ``aside`` are remarks. With ``back``, the changes are undone instead.
    """

    remedy: str
    environment: str
    database: str
    collection: str
    changes: tuple[RemedyChange, ...] = ()
    blocked: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    back: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.blocked)

    def what(self, change: RemedyChange) -> str:
        return change.back if self.back else change.what

    def commands(self, change: RemedyChange) -> list[Document]:
        return change.commands_back() if self.back else change.commands()

    def lines(self) -> Iterator[str]:
        """Describe the plan for people: each change and the commands that are sent for it, in their order."""
        yield f"{self.remedy} of environment {self.environment}, database {self.database}, collection {self.collection}"
        for number, change in enumerate(self.changes, 1):
            yield f"  {number}. {self.what(change)}"
            yield from (f"     {json_util.dumps(command)}" for command in self.commands(change))
        yield from (f"  needs a decision: {sentence}" for sentence in self.blocked)
        yield from (f"  left alone: {sentence}" for sentence in self.aside)
        if self.is_empty:
            yield "  nothing to do"
