"""Documents of the recording index at one moment, and the class of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class RecordingDocument:
    """One document of the recordings collection, with the fields as they are stored."""

    raw: Raw

    @property
    def uuid(self) -> object:
        return self.raw.get("uuid")

    @property
    def start(self) -> datetime | None:
        """Start time; None if it is not a date."""
        return _date(self.raw.get("start_time"))

    @property
    def end(self) -> datetime | None:
        """End time; None if it is not a date, see :attr:`is_open`."""
        return _date(self.raw.get("end_time"))

    @property
    def is_open(self) -> bool:
        """Whether the recording has no end. An absent end and a null one mean the same (docs/facts/mongodb.md 1.4)."""
        return self.raw.get("end_time") is None

    @property
    def deleted(self) -> object:
        return self.raw.get("deleted")

    def __str__(self) -> str:
        if isinstance(self.uuid, str) and self.uuid:
            return f"recording {self.uuid}"
        return f"the recording with _id {self.raw.get('_id')}"


@dataclass(frozen=True)
class Unrecognised:
    """One folder of the storage that could not be interpreted, as it is stored."""

    raw: Raw

    def __str__(self) -> str:
        name = self.raw.get("folder_name")
        return f"folder {name}" if isinstance(name, str) and name else f"the folder with _id {self.raw.get('_id')}"


@dataclass(frozen=True)
class IndexSnapshot:
    """All documents, as one aggregation found them.

    ``taken_at`` is the time of the database; None if the index was empty. A recording counts as stale if it has been
    open for longer than ``stale_after``.
    """

    collection: str
    recordings: tuple[RecordingDocument, ...]
    unrecognised: tuple[Unrecognised, ...]
    taken_at: datetime | None
    stale_after: timedelta

    def age(self, entry: RecordingDocument) -> timedelta | None:
        """Return the time since the recording started; None if that is not known."""
        return self.taken_at - entry.start if self.taken_at is not None and entry.start is not None else None

    def is_stale(self, entry: RecordingDocument) -> bool:
        """Whether the recording is open, not deleted, and started too long ago."""
        age = self.age(entry)
        return entry.is_open and entry.deleted is False and age is not None and age > self.stale_after

    def classes_of(self, entry: RecordingDocument) -> list[str]:
        """Return all classes whose definition the document meets (docs/facts/mongodb.md 1.9): one, if all is well."""
        dated, kept = entry.start is not None, entry.deleted is False
        stale = self.is_stale(entry)
        definitions = {
            "historical": dated and kept and entry.end is not None,
            "live": dated and kept and entry.is_open and not stale,
            "stale": stale,
            "deleted": dated and entry.deleted is True,
            "invalid": not dated,
        }
        return [name for name, met in definitions.items() if met]

    @property
    def recognition_rate(self) -> float:
        total = len(self.recordings) + len(self.unrecognised)
        return len(self.recordings) / total if total else 0.0


def _date(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
