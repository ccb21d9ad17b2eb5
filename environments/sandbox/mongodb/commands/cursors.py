"""Open cursors and the batches in which they are read."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import bson
from bson import Int64
from bson.raw_bson import RawBSONDocument

from environments.sandbox.mongodb.wire.errors import Code, MongoError

FIRST_BATCH = 101
MAX_BATCH_BYTES = 16 * 1024 * 1024


@dataclass
class Cursor:
    """The remainder of a result. ``owner`` is the id of the user who opened it."""

    namespace: str
    documents: Iterator[Any]
    owner: tuple[str, str] | None
    limit: int = 0
    _sent: int = 0
    _ahead: list[bytes] = field(default_factory=list)

    def batch(self, size: int | None) -> tuple[list[RawBSONDocument], bool]:
        """Return at most ``size`` documents and 16 MB, and whether the result is known to have ended.

        A full batch does not end it unless the limit is reached: only the next batch finds that none are left.
        """
        batch: list[RawBSONDocument] = []
        total = 0
        while (size is None or len(batch) < size) and not (self.limit and self._sent == self.limit):
            encoded = self._next()
            if encoded is None:
                return batch, True
            if batch and total + len(encoded) > MAX_BATCH_BYTES:
                self._ahead.append(encoded)
                return batch, False
            batch.append(RawBSONDocument(encoded))
            total += len(encoded)
            self._sent += 1
        return batch, bool(self.limit) and self._sent == self.limit

    def _next(self) -> bytes | None:
        if self._ahead:
            return self._ahead.pop()
        document = next(self.documents, None)
        return None if document is None else bson.encode(document)


class Cursors:
    """The server's open cursors by id."""

    def __init__(self) -> None:
        self._open: dict[int, Cursor] = {}

    def __len__(self) -> int:
        return len(self._open)

    def start(
        self, namespace: str, documents: Iterable[Any], owner: tuple[str, str] | None, batch_size: int | None = None,
        single_batch: bool = False, limit: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """The ``cursor`` part of a first reply; a cursor stays open if documents remain."""
        cursor = Cursor(namespace, iter(documents), owner, limit)
        batch, ended = cursor.batch(FIRST_BATCH if batch_size is None else batch_size)
        cursor_id = 0
        if not ended and not single_batch:
            cursor_id = secrets.randbits(62) + 1
            self._open[cursor_id] = cursor
        return {"firstBatch": batch, "id": Int64(cursor_id), "ns": namespace}

    def more(
        self, cursor_id: int, namespace: str, owner: tuple[str, str] | None, batch_size: int | None
    ) -> dict[str, Any]:
        """The next batch; raises error 43 if the id is not open."""
        cursor = self._open.get(cursor_id)
        if cursor is None:
            raise MongoError(Code.CursorNotFound, f"cursor id {cursor_id} not found")
        if cursor.namespace != namespace or cursor.owner != owner:
            text = f"getMore on namespace '{namespace}', but cursor {cursor_id} is another namespace's or user's"
            raise MongoError(Code.Unauthorized, text)
        batch, ended = cursor.batch(batch_size or None)
        if ended:
            self._open.pop(cursor_id, None)
        return {"nextBatch": batch, "id": Int64(0 if ended else cursor_id), "ns": namespace}

    def kill(self, cursor_id: int) -> bool:
        """Close a cursor; return whether it was open."""
        return self._open.pop(cursor_id, None) is not None
