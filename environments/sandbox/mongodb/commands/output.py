"""``$out`` and ``$merge``: the stages that end an aggregation in a collection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.access import require
from environments.sandbox.mongodb.commands.registry import Request
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, MongoError
from environments.sandbox.mongodb.ordering import MISSING
from environments.sandbox.mongodb.planner import choose
from environments.sandbox.mongodb.storage import Collection, Document

_WHEN_MATCHED = ("replace", "keepExisting", "merge", "fail")
_WHEN_NOT_MATCHED = ("insert", "discard", "fail")


@dataclass
class Output:
    """Where the documents go. ``on`` is empty for ``$out``, which takes the place of all the collection held."""

    request: Request
    database: str
    name: str
    on: tuple[str, ...] = ()
    when_matched: str = "merge"
    when_not_matched: str = "insert"

    @classmethod
    def of(cls, request: Request, stage: dict[str, Any]) -> Output:
        """Checked before anything is read; error 13 for who may not write there."""
        ((kind, operand),) = stage.items()
        output = cls(request, *_target(request, operand)) if kind == "$out" else _merge(request, operand)
        if request.user is not None:
            require(request.user, output.database, "write", "aggregate")
        return output

    def write(self, documents: Iterable[Document]) -> None:
        store, bypass = self.request.server.store, bool(self.request.body.get("bypassDocumentValidation"))
        existing = store.find(self.database, self.name)
        if self.on:
            target = existing if existing is not None else store.create(self.database, self.name)
            self._check_unique_index(target)
            for document in documents:
                self._merge_one(target, document, bypass)
            return
        replacement = Collection(self.database, self.name, existing.options if existing else None)
        for index in existing.indexes.values() if existing else ():
            replacement.create_index(index.describe())
        for document in documents:
            replacement.insert(document, bypass)
        store.put(replacement)

    def _check_unique_index(self, target: Collection) -> None:
        if not any(index.unique and set(index.key) == set(self.on) for index in target.indexes.values()):
            raise MongoError(51183, f"Cannot find index to verify that join fields will be unique: {list(self.on)}")

    def _merge_one(self, target: Collection, document: Document, bypass: bool) -> None:
        if self.on == ("_id",) and "_id" not in document:
            document = {"_id": ObjectId(), **document}
        values = {field: paths.get(document, paths.split(field)) for field in self.on}
        if any(value is MISSING or value is None or isinstance(value, list) for value in values.values()):
            raise MongoError(51132, "$merge write error: 'on' field cannot be missing, null, undefined or an array")
        query = {field: {"$eq": value} for field, value in values.items()}
        match = next(choose(target, query).run(target, self.request.deadline), None)
        if match is None:
            self._not_matched(target, document, bypass)
        elif self.when_matched == "fail":
            target.insert(document, bypass)  # the unique index says what is there twice
        elif self.when_matched != "keepExisting":
            record, before = match
            merged = document if self.when_matched == "replace" else {**before, **document}
            target.replace(record, {**merged, "_id": before["_id"]}, bypass)

    def _not_matched(self, target: Collection, document: Document, bypass: bool) -> None:
        if self.when_not_matched == "fail":
            text = "$merge could not find a matching document in the target collection for at least one document"
            raise MongoError(13113, text)
        if self.when_not_matched == "insert":
            target.insert(document, bypass)


def _target(request: Request, operand: Any) -> tuple[str, str]:
    if isinstance(operand, str):
        return request.database, operand
    if not isinstance(operand, dict) or set(operand) - {"db", "coll"} or not isinstance(operand.get("coll"), str):
        raise MongoError(FAILED_TO_PARSE, f"the target must be a name or {{db, coll}}, not {operand!r}")
    return str(operand.get("db", request.database)), operand["coll"]


def _merge(request: Request, operand: Any) -> Output:
    spec = {"into": operand} if isinstance(operand, str) else operand
    if not isinstance(spec, dict) or "into" not in spec:
        raise MongoError(FAILED_TO_PARSE, "$merge requires an 'into' argument")
    unknown = set(spec) - {"into", "on", "whenMatched", "whenNotMatched"}
    if unknown:
        raise MongoError(FAILED_TO_PARSE, f"$merge: {sorted(unknown)} is not supported by this server")
    matched, not_matched = spec.get("whenMatched", "merge"), spec.get("whenNotMatched", "insert")
    if matched not in _WHEN_MATCHED or not_matched not in _WHEN_NOT_MATCHED:
        text = f"$merge: whenMatched has to be one of {_WHEN_MATCHED} and whenNotMatched one of {_WHEN_NOT_MATCHED}"
        raise MongoError(FAILED_TO_PARSE, text)
    on = spec.get("on", "_id")
    return Output(request, *_target(request, spec["into"]), (on,) if isinstance(on, str) else tuple(on), matched,
                  not_matched)  # fmt: skip
