"""The update operators."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64, Timestamp

from environments.sandbox.mongodb.errors import BAD_VALUE, FAILED_TO_PARSE, TYPE_MISMATCH, MongoError
from environments.sandbox.mongodb.matching import compile_filter, is_operator_document
from environments.sandbox.mongodb.ordering import MISSING, NUMERIC_TYPES, sort_key, type_name
from environments.sandbox.mongodb.places import Places
from environments.sandbox.mongodb.sorting import check_sort, sort_documents

Modifier = Callable[[Places, str, Any], None]


def add_numbers(first: Any, second: Any) -> Any:
    """The sum in the wider of both types."""
    return _widest(first, second, lambda a, b: a + b)


def multiply_numbers(first: Any, second: Any) -> Any:
    return _widest(first, second, lambda a, b: a * b)


def _widest(first: Any, second: Any, combine: Callable[[Any, Any], Any]) -> Any:
    if isinstance(first, Decimal128) or isinstance(second, Decimal128):
        return Decimal128(combine(_decimal(first), _decimal(second)))
    result = combine(first, second)
    if isinstance(result, int) and (isinstance(first, Int64) or isinstance(second, Int64) or abs(result) >= 2**31):
        if abs(result) >= 2**63:
            raise MongoError(BAD_VALUE, "Failed to apply the operation: it would overflow a 64-bit integer")
        return Int64(result)
    return result


def _decimal(value: Any) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)


def _require_number(value: Any, op: str, path: str, code: int = TYPE_MISMATCH) -> None:
    if type_name(value) not in NUMERIC_TYPES:
        raise MongoError(code, f"Cannot apply {op} to a value of non-numeric type. The field '{path}' is of type "
                               f"{type_name(value)}")  # fmt: skip


def _set(places: Places, path: str, operand: Any) -> None:
    for place in places.find(path):
        place.set(copy.deepcopy(operand))


def _unset(places: Places, path: str, _: Any) -> None:
    for place in places.find(path, create=False):
        place.remove()


def _arithmetic(op: str, combine: Callable[[Any, Any], Any], absent: Callable[[Any], Any]) -> Modifier:
    def modify(places: Places, path: str, operand: Any) -> None:
        _require_number(operand, op, path)
        for place in places.find(path):
            value = place.get()
            if value is MISSING:
                place.set(absent(operand))
            else:
                _require_number(value, op, path)
                place.set(combine(value, operand))

    return modify


def _extreme(better: Callable[[Any, Any], bool]) -> Modifier:
    def modify(places: Places, path: str, operand: Any) -> None:
        for place in places.find(path):
            value = place.get()
            if value is MISSING or better(sort_key(operand), sort_key(value)):
                place.set(operand)

    return modify


def _rename(places: Places, path: str, operand: Any) -> None:
    if not isinstance(operand, str):
        raise MongoError(BAD_VALUE, f"The 'to' field for $rename must be a string: {path}")
    for place in places.find(path, create=False):
        value = place.get()
        if value is not MISSING:
            place.remove()
            _set(places, operand, value)


def _current_date(places: Places, path: str, operand: Any) -> None:
    kind = operand.get("$type") if isinstance(operand, dict) else "date"
    if operand is not True and kind not in ("date", "timestamp"):
        raise MongoError(BAD_VALUE, "The '$type' string field is required to be 'date' or 'timestamp'")
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    for place in places.find(path):
        place.set(Timestamp(int(now.timestamp()), 1) if kind == "timestamp" else now)


def _array(value: Any, op: str, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise MongoError(BAD_VALUE, f"The field '{path}' must be an array but is of type {type_name(value)} ({op})")
    return value


def _push(places: Places, path: str, operand: Any) -> None:
    options: Mapping[str, Any] = operand if isinstance(operand, dict) and "$each" in operand else {"$each": [operand]}
    unknown = set(options) - {"$each", "$position", "$slice", "$sort"}
    if unknown or not isinstance(options["$each"], list):
        raise MongoError(FAILED_TO_PARSE, f"Unrecognized clause in $push: {sorted(unknown) or options['$each']}")
    for place in places.find(path):
        value = place.get()
        array = [] if value is MISSING else list(_array(value, "$push", path))
        position = options.get("$position", len(array))
        array[position:position] = options["$each"]
        if "$sort" in options:
            array = _sorted(array, options["$sort"])
        if "$slice" in options:
            keep = options["$slice"]
            array = array[:keep] if keep >= 0 else array[keep:]
        place.set(array)


def _sorted(array: list[Any], sort: Any) -> list[Any]:
    if isinstance(sort, dict):
        return sort_documents(array, check_sort(sort), lambda item: item)
    return sorted(array, key=sort_key, reverse=sort < 0)


def _add_to_set(places: Places, path: str, operand: Any) -> None:
    wanted = operand["$each"] if isinstance(operand, dict) and "$each" in operand else [operand]
    for place in places.find(path):
        value = place.get()
        array = [] if value is MISSING else list(_array(value, "$addToSet", path))
        present = {sort_key(item) for item in array}
        for item in wanted:
            if sort_key(item) not in present:
                present.add(sort_key(item))
                array.append(item)
        place.set(array)


def _pull(places: Places, path: str, operand: Any) -> None:
    unwanted = _pull_test(operand)
    for place in places.find(path, create=False):
        value = place.get()
        if value is not MISSING:
            place.set([item for item in _array(value, "$pull", path) if not unwanted(item)])


def _pull_test(operand: Any) -> Callable[[Any], bool]:
    if isinstance(operand, dict) and not is_operator_document(operand):
        matches = compile_filter(operand)
        return lambda item: isinstance(item, dict) and matches(item)
    test = compile_filter({"value": operand})
    return lambda item: test({"value": item})


def _pull_all(places: Places, path: str, operand: Any) -> None:
    unwanted = {sort_key(item) for item in operand}
    for place in places.find(path, create=False):
        value = place.get()
        if value is not MISSING:
            place.set([item for item in _array(value, "$pullAll", path) if sort_key(item) not in unwanted])


def _pop(places: Places, path: str, operand: Any) -> None:
    if operand not in (1, -1):
        raise MongoError(FAILED_TO_PARSE, f"$pop expects 1 or -1, found: {operand}")
    for place in places.find(path, create=False):
        value = place.get()
        if value is not MISSING:
            array = _array(value, "$pop", path)
            place.set(array[:-1] if operand == 1 else array[1:])


def _bit(places: Places, path: str, operand: Any) -> None:
    operations: Mapping[str, Callable[[int, int], int]] = {
        "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
    }  # fmt: skip
    for place in places.find(path):
        value = place.get()
        result = 0 if value is MISSING else value
        for name, number in operand.items():
            if name not in operations or not isinstance(number, int):
                raise MongoError(BAD_VALUE, f"The $bit modifier only supports 'and', 'or', and 'xor', not '{name}'")
            result = type(number)(operations[name](int(result), number))
        place.set(result)


def _zero(operand: Any) -> Any:
    return Decimal128("0") if isinstance(operand, Decimal128) else type(operand)(0)


MODIFIERS: Mapping[str, Modifier] = {
    "$set": _set,
    "$setOnInsert": _set,
    "$unset": _unset,
    "$inc": _arithmetic("$inc", add_numbers, lambda operand: operand),
    "$mul": _arithmetic("$mul", multiply_numbers, _zero),
    "$min": _extreme(lambda new, old: new < old),
    "$max": _extreme(lambda new, old: new > old),
    "$rename": _rename,
    "$currentDate": _current_date,
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pull": _pull,
    "$pullAll": _pull_all,
    "$pop": _pop,
    "$bit": _bit,
}
