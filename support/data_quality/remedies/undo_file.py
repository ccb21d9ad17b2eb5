"""The file with the old values, written before the first change of a remedy. ``remedy undo`` reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bson import json_util
from bson.errors import BSONError

from support.clients.mongodb.facts import Document
from support.data_quality.remedies.changes import IndexChange, RecordingChange, RemedyChange
from support.data_quality.remedies.plan import RemedyPlan

SCHEMA = "focus-acceptance/remedy/1"


class UndoFileError(Exception):
    """The file cannot be used. The text is one sentence."""


@dataclass(frozen=True)
class UndoFile:
    """The changes that a remedy was about to make, and their place."""

    remedy: str
    environment: str
    database: str
    collection: str
    changes: tuple[RemedyChange, ...]


def write_undo_file(plan: RemedyPlan, folder: Path) -> Path:
    """Write the file, readable by its owner only, without replacing another. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{plan.environment}-{plan.remedy}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.json"
    content = {
        "schema": SCHEMA,
        "remedy": plan.remedy,
        "environment": plan.environment,
        "database": plan.database,
        "collection": plan.collection,
        "changes": [_written(change) for change in plan.changes],
    }
    text = json_util.dumps(content, json_options=json_util.CANONICAL_JSON_OPTIONS, indent=2)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def read_undo_file(path: Path) -> UndoFile:
    """Read the file. Raises :class:`UndoFileError` if it does not exist or was not written by a remedy."""
    try:
        content = json_util.loads(path.read_text(encoding="utf-8"), json_options=_READ)
    except OSError as error:
        raise UndoFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, BSONError) as error:
        raise UndoFileError(f"{path}: not the file of a remedy: it is no JSON of MongoDB's extended form") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise UndoFileError(f"{path}: not the file of a remedy: schema must be {SCHEMA}")
    words = {name: _text(path, content, name) for name in ("remedy", "environment", "database", "collection")}
    entries = content.get("changes")
    if not isinstance(entries, list):
        raise UndoFileError(f"{path}: changes must be a list")
    changes = tuple(_read(path, number, words["collection"], entry) for number, entry in enumerate(entries))
    return UndoFile(**words, changes=changes)


_READ = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=UTC)


def _written(change: RemedyChange) -> Document:
    if isinstance(change, IndexChange):
        return {"kind": "index", "before": change.before, "after": change.after, "quorum": change.quorum}
    return {
        "kind": "recording",
        "_id": change.document_id,
        "uuid": change.uuid,
        "start_time": change.start,
        "before": change.before,
    }


def _text(path: Path, content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise UndoFileError(f"{path}: {name} must be a text and is {value!r}")
    return value


def _read(path: Path, number: int, collection: str, entry: Any) -> RemedyChange:
    where = f"{path}: changes.{number}"
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind == "index":
        before, after = entry.get("before"), entry.get("after")
        if _is_definition(after) and (before is None or _is_definition(before) and before["name"] == after["name"]):
            return IndexChange(collection, before, after, entry.get("quorum"))
        raise UndoFileError(f"{where}: before and after must be definitions of one index, with key and name")
    if kind == "recording":
        start, before = entry.get("start_time"), entry.get("before")
        if "_id" in entry and isinstance(start, datetime) and isinstance(before, dict):
            return RecordingChange(collection, entry["_id"], str(entry.get("uuid")), start, before)
        raise UndoFileError(f"{where}: _id, start_time (a date) and before (a document) are needed")
    raise UndoFileError(f"{where}: kind {kind!r}; allowed are index, recording")


def _is_definition(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("key"), dict) and isinstance(value.get("name"), str)
