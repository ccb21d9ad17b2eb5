"""Updates with operators and replacements, compiled into functions from the old document to the new one."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.mongodb.query.matching import is_operator_document
from environments.sandbox.mongodb.query.numbers import add_numbers, is_number
from environments.sandbox.mongodb.query.projection import with_value
from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.collection import Document
from environments.sandbox.mongodb.storage.ordering import MISSING, sort_key, type_name
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

Update = Callable[[Document, bool], Document]
"""(old document, whether an upsert inserts it) -> new document; the old one is not changed."""
Modifier = Callable[[Any, Any, str], Any]
"""(existing value or MISSING, operand, path) -> new value; MISSING removes the field."""


def compile_update(update: Any) -> Update:
    """Compile an update of any kind; raises :class:`MongoError` if it is invalid or not supported."""
    if isinstance(update, list):
        raise refused("pipeline-style update")
    return _replacement(update) if is_replacement(update) else _operators(update)


def is_replacement(update: Mapping[str, Any]) -> bool:
    return not update or not next(iter(update)).startswith("$")


def _replacement(update: Document) -> Update:
    if any(name.startswith("$") for name in update):
        text = "The dollar ($) prefixed field is not valid for storage at the root of a replacement"
        raise MongoError(Code.DollarPrefixedFieldName, text)
    return lambda document, _: {"_id": document["_id"], **update} if "_id" in document else update


def _operators(update: Mapping[str, Any]) -> Update:
    changes: list[tuple[str, tuple[str, ...], Any]] = []
    for op, operands in update.items():
        if op not in _MODIFIERS:
            wanted = "Expected a valid update modifier or pipeline-style update specified as an array"
            raise MongoError(Code.FailedToParse, f"Unknown modifier: {op}. {wanted}")
        if not isinstance(operands, dict):
            kind = type(operands).__name__
            raise MongoError(Code.FailedToParse, f"Modifiers operate on fields but we found type {kind} instead: {op}")
        changes += [(op, _checked(path), operand) for path, operand in operands.items()]
    _check_conflicts(sorted(parts for _, parts, _ in changes))

    def apply(document: Document, inserting: bool) -> Document:
        result = copy.deepcopy(document)
        for op, parts, operand in changes:
            if op != "$setOnInsert" or inserting:
                _change(result, parts, _MODIFIERS[op], operand, create=op != "$unset")
        if "_id" in document and sort_key(result.get("_id")) != sort_key(document["_id"]):
            text = "Performing an update on the path '_id' would modify the immutable field '_id'"
            raise MongoError(Code.ImmutableField, text)
        return result

    return apply


def _checked(path: str) -> tuple[str, ...]:
    parts = paths.split(path)
    if "" in parts:
        raise MongoError(56, f"The update path '{path}' contains an empty field name, which is not allowed.")
    if any(part == "$" or part.startswith("$[") for part in parts):
        raise refused(f"the array operators of '{path}'")
    if any(part.startswith("$") for part in parts):
        text = f"The dollar ($) prefixed field '{path}' is not valid for storage."
        raise MongoError(Code.DollarPrefixedFieldName, text)
    return parts


def _check_conflicts(touched: list[tuple[str, ...]]) -> None:
    for first, second in itertools.pairwise(touched):
        if second[: len(first)] == first:
            text = f"Updating the path '{'.'.join(second)}' would create a conflict at '{'.'.join(first)}'"
            raise MongoError(Code.ConflictingUpdateOperators, text)


def _change(document: Document, parts: tuple[str, ...], modify: Modifier, operand: Any, *, create: bool) -> None:
    """Apply a modifier at a path; without ``create`` a path that does not exist is left alone."""
    container: Any = document
    for position, part in enumerate(parts[:-1]):
        if not create and not (isinstance(container, dict) and part in container):
            return
        _check_container(container, parts, position)
        container = container.setdefault(part, {})
    name = parts[-1]
    if not create and not (isinstance(container, dict) and name in container):
        return
    _check_container(container, parts, len(parts) - 1)
    value = modify(container.get(name, MISSING), operand, ".".join(parts))
    if value is MISSING:
        del container[name]
    else:
        container[name] = value


def _check_container(container: Any, parts: tuple[str, ...], position: int) -> None:
    path = ".".join(parts[:position])
    if isinstance(container, list):
        raise refused(f"the update of an element of the array '{path}'")
    if not isinstance(container, dict):
        text = f"Cannot create field '{parts[position]}' in element {{{path}}} of type {type_name(container)}"
        raise MongoError(Code.PathNotViable, text)


def _set(_: Any, operand: Any, __: str) -> Any:
    return copy.deepcopy(operand)


def _increment(value: Any, operand: Any, path: str) -> Any:
    for number in (operand, 0 if value is MISSING else value):
        if not is_number(number):
            text = f"to a value of non-numeric type. The field '{path}' is of type {type_name(number)}"
            raise MongoError(Code.TypeMismatch, f"Cannot apply $inc {text}")
    return operand if value is MISSING else add_numbers(value, operand)


_MODIFIERS: Mapping[str, Modifier] = {
    "$set": _set,
    "$setOnInsert": _set,
    "$unset": lambda *_: MISSING,
    "$inc": _increment,
}


def upsert_base(query: Mapping[str, Any]) -> Document:
    """The document that an upsert starts from: the equalities of its filter."""
    base: Document = {}
    for name, operand in query.items():
        if name == "$and":
            for part in operand:
                base.update(upsert_base(part))
        elif not name.startswith("$") and not is_operator_document(operand):
            base = with_value(base, paths.split(name), operand)
        elif not name.startswith("$") and "$eq" in operand:
            base = with_value(base, paths.split(name), operand["$eq"])
    return base
