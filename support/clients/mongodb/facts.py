"""What the database says, and how asking it can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


class DatabaseError(Exception):
    """``kind`` is ``unreachable``, ``authentication_failed`` or ``refused``; the message is one sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class ConnectionOutcome:
    """What came of connecting: ``kind`` is ``ok``, ``authentication_failed`` or ``unreachable``."""

    kind: str
    message: str
    duration_s: float


@dataclass(frozen=True)
class ServerStatus:
    """What the server says of itself."""

    host: str
    version: str
    connections_current: int
    total_created: int


@dataclass(frozen=True)
class BasePath:
    """Where recordings are stored, and ``guid``: the name of the collection that lists them.

    Entries without ``is_archive`` exist and are live.
    """

    base_path: str
    guid: str
    is_archive: bool
    raw: Document = field(repr=False, compare=False)
