"""What every stage of a pipeline is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.mongodb.planner import Deadline
from environments.sandbox.mongodb.store import Store

Documents = Iterable[dict[str, Any]]


@dataclass
class Context:
    """What stages need besides their documents."""

    store: Store
    database: str
    collection: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    deadline: Deadline = field(default_factory=Deadline)


Stage = Callable[[Documents], Documents]
Factory = Callable[[Any, Context], Stage]
