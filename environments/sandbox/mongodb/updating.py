"""Updates: operators, replacements and pipelines, as functions from the old document to the new one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.mongodb.errors import (
    BAD_VALUE,
    CONFLICTING_UPDATE,
    FAILED_TO_PARSE,
    IMMUTABLE_FIELD,
    MongoError,
)
from environments.sandbox.mongodb.matching import Predicate, compile_filter
from environments.sandbox.mongodb.modifiers import MODIFIERS
from environments.sandbox.mongodb.ordering import sort_key
from environments.sandbox.mongodb.places import Places

Document = dict[str, Any]
Update = Callable[[Document, bool], Document]
"""(old document, whether it is being inserted by an upsert) -> new document; the old one is left as it was."""


def compile_update(
    update: Any,
    query: Mapping[str, Any],
    array_filters: list[Any] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Update:
    """An update of any of the three kinds; :class:`MongoError` for one that is not valid."""
    if isinstance(update, list):
        if array_filters:
            raise MongoError(FAILED_TO_PARSE, "arrayFilters may not be specified for pipeline-style updates")
        return _pipeline(update, variables or {})
    if not isinstance(update, dict):
        raise MongoError(FAILED_TO_PARSE, "the update must be a document or an array")
    if is_replacement(update):
        return _replacement(update)
    return _operators(update, query, _named_filters(array_filters or []))


def is_replacement(update: Mapping[str, Any]) -> bool:
    return not update or not next(iter(update)).startswith("$")


def _replacement(update: Document) -> Update:
    if any(name.startswith("$") for name in update):
        raise MongoError(52, "The dollar ($) prefixed field is not valid for storage at the root of a replacement")

    def apply(document: Document, _: bool) -> Document:
        if "_id" not in document:
            return update
        return {"_id": document["_id"], **update}

    return apply


def _pipeline(stages: list[Any], variables: Mapping[str, Any]) -> Update:
    from environments.sandbox.mongodb.pipeline import run_on_documents

    allowed = {"$set", "$addFields", "$unset", "$project", "$replaceRoot", "$replaceWith"}
    for stage in stages:
        if set(stage) - allowed:
            raise MongoError(72, f"{next(iter(stage))} is not allowed to be used within an update")

    def apply(document: Document, _: bool) -> Document:
        (result,) = run_on_documents([document], stages, variables)
        if "_id" in document and "_id" not in result:
            return {"_id": document["_id"], **result}
        return result

    return apply


def _named_filters(filters: list[Any]) -> dict[str, Predicate]:
    named: dict[str, Predicate] = {}
    for item in filters:
        names = {field.split(".")[0] for field in _fields_of(item)}
        if len(names) != 1:
            raise MongoError(
                FAILED_TO_PARSE, f"Error parsing array filter :: an array filter names one identifier: {item}"
            )
        name = names.pop()
        if name in named:
            raise MongoError(FAILED_TO_PARSE, f"Found multiple array filters with the same top-level field name {name}")
        test = compile_filter(item)
        named[name] = _wrapped(name, test)
    return named


def _wrapped(name: str, test: Predicate) -> Predicate:
    return lambda element: test({name: element})


def _fields_of(item: Mapping[str, Any]) -> list[str]:
    fields: list[str] = []
    for name, operand in item.items():
        if name in ("$and", "$or", "$nor"):
            for part in operand:
                fields.extend(_fields_of(part))
        else:
            fields.append(name)
    return fields


def _operators(update: Mapping[str, Any], query: Mapping[str, Any], filters: Mapping[str, Predicate]) -> Update:
    changes: list[tuple[str, str, Any]] = []
    touched: list[str] = []
    for op, operands in update.items():
        if op not in MODIFIERS:
            wanted = "Expected a valid update modifier or pipeline-style update specified as an array"
            raise MongoError(FAILED_TO_PARSE, f"Unknown modifier: {op}. {wanted}")
        if not isinstance(operands, dict):
            kind = type(operands).__name__
            raise MongoError(FAILED_TO_PARSE, f"Modifiers operate on fields but we found type {kind} instead: {op}")
        for path, operand in operands.items():
            changes.append((op, path, operand))
            touched += [path, operand] if op == "$rename" else [path]
    _check_conflicts(touched)
    _check_filters_used(touched, filters)

    def apply(document: Document, inserting: bool) -> Document:
        result = copy.deepcopy(document)
        places = Places(result, document, query, filters)
        for op, path, operand in changes:
            if op == "$setOnInsert" and not inserting:
                continue
            MODIFIERS[op](places, path, operand)
        if "_id" in document and sort_key(result.get("_id")) != sort_key(document["_id"]):
            text = "Performing an update on the path '_id' would modify the immutable field '_id'"
            raise MongoError(IMMUTABLE_FIELD, text)
        return result

    return apply


def _check_conflicts(touched: list[str]) -> None:
    ordered = sorted(touched)
    for position, path in enumerate(ordered):
        for other in ordered[position + 1 :]:
            if other == path or other.startswith(f"{path}."):
                text = f"Updating the path '{other}' would create a conflict at '{path}'"
                raise MongoError(CONFLICTING_UPDATE, text)


def _check_filters_used(touched: list[str], filters: Mapping[str, Predicate]) -> None:
    used = {part[2:-1] for path in touched for part in path.split(".") if part.startswith("$[") and part != "$[]"}
    for name in used - set(filters):
        raise MongoError(BAD_VALUE, f"No array filter found for identifier '{name}' in path")
    for name in set(filters) - used:
        raise MongoError(FAILED_TO_PARSE, f"The array filter for identifier '{name}' was not used in the update")


def upsert_base(query: Mapping[str, Any]) -> Document:
    """The document an upsert starts from: the equalities of its filter."""
    from environments.sandbox.mongodb.matching import is_operator_document
    from environments.sandbox.mongodb.projection import with_value

    base: Document = {}
    for name, operand in query.items():
        if name == "$and":
            for part in operand:
                base.update(upsert_base(part))
        elif name.startswith("$"):
            continue
        elif not is_operator_document(operand):
            base = with_value(base, tuple(name.split(".")), operand)
        elif "$eq" in operand:
            base = with_value(base, tuple(name.split(".")), operand["$eq"])
    return base
