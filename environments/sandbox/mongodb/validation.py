"""``$jsonSchema``: MongoDB's dialect of JSON Schema draft 4, the part that describes one document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import Any, cast

from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, MongoError
from environments.sandbox.mongodb.operators import ValueTest, compile_regex, type_names
from environments.sandbox.mongodb.ordering import NUMERIC_TYPES, sort_key, type_name

_JSON_TYPES = {"object": {"object"}, "array": {"array"}, "string": {"string"}, "boolean": {"bool"}, "null": {"null"},
               "number": NUMERIC_TYPES}  # fmt: skip
_ANNOTATIONS = {"title", "description"}


def schema_test(schema: Any) -> ValueTest:
    """A test of a value (or document); an unknown keyword is an error, as in MongoDB."""
    if not isinstance(schema, dict):
        raise MongoError(14, "$jsonSchema must be an object")
    tests = []
    for keyword, operand in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        if keyword not in _KEYWORDS:
            raise MongoError(FAILED_TO_PARSE, f"Unknown $jsonSchema keyword: {keyword}")
        tests.append(_KEYWORDS[keyword](operand, schema))
    return lambda value: all(test(value) for test in tests)


def _is_number(value: Any) -> bool:
    return type_name(value) in NUMERIC_TYPES


def _bson_type(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    names = type_names(operand)
    return lambda value: type_name(value) in names


def _json_type(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    wanted = operand if isinstance(operand, list) else [operand]
    unknown = [name for name in wanted if name not in _JSON_TYPES]
    if unknown:
        raise MongoError(FAILED_TO_PARSE, f"$jsonSchema type {unknown[0]!r} is not supported")
    names = frozenset().union(*(_JSON_TYPES[name] for name in wanted))
    return lambda value: type_name(value) in names


def _required(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    return lambda value: not isinstance(value, dict) or all(name in value for name in operand)


def _properties(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    tests = {name: schema_test(inner) for name, inner in operand.items()}
    return lambda value: (
        not isinstance(value, dict) or all(test(value[name]) for name, test in tests.items() if name in value)
    )


def _pattern_properties(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    tests = [(compile_regex(pattern), schema_test(inner)) for pattern, inner in operand.items()]
    return lambda value: (
        not isinstance(value, dict)
        or all(test(inner) for name, inner in value.items() for pattern, test in tests if pattern.search(name))
    )


def _additional(operand: Any, schema: Mapping[str, Any]) -> ValueTest:
    named = set(schema.get("properties", {}))
    patterns = [compile_regex(pattern) for pattern in schema.get("patternProperties", {})]
    allowed: ValueTest = schema_test(operand) if isinstance(operand, dict) else lambda _: bool(operand)
    return lambda value: (
        not isinstance(value, dict)
        or all(
            allowed(inner)
            for name, inner in value.items()
            if name not in named and not any(pattern.search(name) for pattern in patterns)
        )
    )


def _items(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    if isinstance(operand, list):
        tests = [schema_test(inner) for inner in operand]
        return lambda value: (
            not isinstance(value, list) or all(test(item) for test, item in zip(tests, value, strict=False))
        )
    each = schema_test(operand)
    return lambda value: not isinstance(value, list) or all(map(each, value))


def _unique_items(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    return lambda value: not operand or not isinstance(value, list) or len({sort_key(i) for i in value}) == len(value)


def _enum(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    allowed = {sort_key(item) for item in operand}
    return lambda value: sort_key(value) in allowed


def _minimum(operand: Any, schema: Mapping[str, Any]) -> ValueTest:
    limit, exclusive = sort_key(operand), bool(schema.get("exclusiveMinimum"))
    return lambda value: not _is_number(value) or sort_key(value) > limit or (
        not exclusive and sort_key(value) == limit
    )  # fmt: skip


def _maximum(operand: Any, schema: Mapping[str, Any]) -> ValueTest:
    limit, exclusive = sort_key(operand), bool(schema.get("exclusiveMaximum"))
    return lambda value: not _is_number(value) or sort_key(value) < limit or (
        not exclusive and sort_key(value) == limit
    )  # fmt: skip


def _flag(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    if not isinstance(operand, bool):
        raise MongoError(FAILED_TO_PARSE, "exclusiveMinimum and exclusiveMaximum must be booleans")
    return lambda _: True


def _length(kind: type[Any], decide: Callable[[int, int], bool]) -> Callable[[Any, Mapping[str, Any]], ValueTest]:
    def factory(operand: Any, _: Mapping[str, Any]) -> ValueTest:
        return lambda value: not isinstance(value, kind) or decide(len(cast(Sized, value)), int(operand))

    return factory


def _pattern(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    pattern = compile_regex(operand)
    return lambda value: not isinstance(value, str) or pattern.search(value) is not None


def _combined(decide: Callable[[list[bool]], bool]) -> Callable[[Any, Mapping[str, Any]], ValueTest]:
    def factory(operand: Any, _: Mapping[str, Any]) -> ValueTest:
        tests = [schema_test(inner) for inner in operand]
        return lambda value: decide([test(value) for test in tests])

    return factory


def _not(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    test = schema_test(operand)
    return lambda value: not test(value)


_KEYWORDS: Mapping[str, Callable[[Any, Mapping[str, Any]], ValueTest]] = {
    "bsonType": _bson_type,
    "type": _json_type,
    "required": _required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "items": _items,
    "uniqueItems": _unique_items,
    "enum": _enum,
    "minimum": _minimum,
    "maximum": _maximum,
    "exclusiveMinimum": _flag,
    "exclusiveMaximum": _flag,
    "minLength": _length(str, lambda have, want: have >= want),
    "maxLength": _length(str, lambda have, want: have <= want),
    "minItems": _length(list, lambda have, want: have >= want),
    "maxItems": _length(list, lambda have, want: have <= want),
    "minProperties": _length(dict, lambda have, want: have >= want),
    "maxProperties": _length(dict, lambda have, want: have <= want),
    "pattern": _pattern,
    "allOf": _combined(all),
    "anyOf": _combined(any),
    "oneOf": _combined(lambda results: sum(results) == 1),
    "not": _not,
}
