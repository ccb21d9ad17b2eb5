"""Answers of the database, and its errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


class DatabaseError(Exception):
    """A failed request. ``kind`` is ``unreachable``, ``authentication_failed`` or ``refused``; the message is one
    sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class ConnectionOutcome:
    """The result of connecting: ``kind`` is ``ok``, ``authentication_failed`` or ``unreachable``.

    ``duration_s`` leaves out what the suite had no processor for (``support.processor``).
    """

    kind: str
    message: str
    duration_s: float


@dataclass(frozen=True)
class ServerStatus:
    """The server's own report of its host, version and connections."""

    host: str
    version: str
    connections_current: int
    total_created: int


@dataclass(frozen=True)
class BasePath:
    """A storage path of recordings. ``guid`` is the name of the collection that lists them.

    Some entries have no ``is_archive``; they are live.
    """

    base_path: str
    guid: str
    is_archive: bool
    raw: Document = field(repr=False, compare=False)
