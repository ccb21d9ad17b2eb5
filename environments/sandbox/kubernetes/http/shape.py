"""The check that a body is an object of its kind, which the real server does by decoding it into Go structs.

``schema.json`` lists the fields of all kinds and their types, taken from the official Python client. As in Go, a
required field that is left out gets its zero value.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from environments.sandbox.kubernetes.store.errors import ApiError, bad_request, unsupported_option
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]

_SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
_KINDS: Mapping[str, str] = _SCHEMA["kinds"]
_MODELS: Mapping[str, Mapping[str, str]] = {
    name: {field: text.removesuffix("!") for field, text in fields.items()}
    for name, fields in _SCHEMA["models"].items()
}
_ZEROS = {"string!": "", "int32!": 0, "int64!": 0, "bool!": False}
_NEVER_MISSING: Mapping[str, Mapping[str, Any]] = {
    name: {field: _ZEROS[text] for field, text in fields.items() if text in _ZEROS}
    for name, fields in _SCHEMA["models"].items()
}
_PARTS: dict[str, tuple[str, str]] = {
    **{
        text: (text.partition(":")[0], text.partition(":")[2])
        for fields in _MODELS.values()
        for text in fields.values()
    },
    **dict.fromkeys(("string", "int32", "int64", "bool", "number", "time", "bytes", "quantity", "any"), ("plain", "")),
    **dict.fromkeys(_MODELS, ("model", "")),
}
"""Type -> its form (``model``, ``list``, ``map`` or ``plain``) and, for a list or map, the type of its values."""
_VALIDATIONS = ("Ignore", "Warn", "Strict")
_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+|n|u)?")
_QUANTITY_RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_BEYOND = {"int32": 2**31, "int64": 2**63}
_JSON_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
_GO_NAMES = {"time": "string", "bytes": "string", "number": "float64"}


class _Wrong(Exception):
    """A problem with a field: the text before and after the field's path.

    The path is built as the exception propagates: each enclosing level appends its own name to ``names``.
    """

    def __init__(self, before: str, after: str = "", has_path: bool = True) -> None:
        super().__init__(before)
        self.before, self.after, self.has_path = before, after, has_path
        self.names: list[str] = []

    def __str__(self) -> str:
        return f"{self.before}{'.'.join(reversed(self.names)) if self.has_path else ''}{self.after}"


def check_shape(resource: Resource, obj: Any) -> None:
    """Raise 400 if the body is not an object of this kind. Otherwise complete it in place with zero values."""
    if not isinstance(obj, dict):
        raise bad_request("the body of the request must be a JSON object")
    kind, version = obj.get("kind", resource.kind), obj.get("apiVersion", resource.api_version)
    if kind != resource.kind:
        raise bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}')
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
    try:
        _check(obj, _KINDS[resource.kind])
    except _Wrong as wrong:
        wrong.names.append(resource.kind)
        raise _unhandled(resource, str(wrong)) from None


def check_fields(resource: Resource, obj: Object, validation: str, options: str) -> None:
    """Raise 400 with the unknown fields if the client requests ``fieldValidation=Strict``, as kubectl does."""
    if validation not in ("", *_VALIDATIONS):
        raise unsupported_option(options, "fieldValidation", validation, ("", *_VALIDATIONS))
    unknown = sorted(set(_unknown("", obj, _KINDS[resource.kind]))) if validation == "Strict" else []
    if unknown:
        texts = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise _unhandled(resource, f"strict decoding error: {texts}")


def _unhandled(resource: Resource, why: str) -> ApiError:
    return bad_request(f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}')


def _check(value: Any, wanted: str) -> None:
    outer, inner = _PARTS[wanted]
    if outer == "model":
        fields = _MODELS[wanted]
        _of_type(value, dict, "object")
        for key, zero in _NEVER_MISSING[wanted].items():
            value.setdefault(key, zero)
        for key, each in value.items():
            if key in fields:
                _below(key, each, fields[key])
    elif outer == "list":
        for each in _of_type(value, list, "array"):
            _check(each, inner)
    elif outer == "map":
        for key, each in _of_type(value, dict, "object").items():
            _below(key, each, inner)
    elif wanted != "any":
        _check_plain(value, wanted)


def _below(key: str, value: Any, wanted: str) -> None:
    try:
        _check(value, wanted)
    except _Wrong as wrong:
        wrong.names.append(key)
        raise


def _of_type(value: Any, wanted: type | tuple[type, ...], name: str) -> Any:
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        found = _JSON_NAMES.get(type(value), "null")
        raise _Wrong(f"json: cannot unmarshal {found} into Go struct field ", f" of type {name}")
    return value


def _check_plain(value: Any, wanted: str) -> None:
    _of_type(value, _TYPES[wanted], _GO_NAMES.get(wanted, wanted))
    if wanted in _CONTENTS:
        _CONTENTS[wanted](value, wanted)


def _int(value: int, name: str) -> None:
    if not -_BEYOND[name] <= value < _BEYOND[name]:
        raise _Wrong(f"json: cannot unmarshal number {value} into Go struct field ", f" of type {name}")


def _time(value: str, name: str) -> None:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise _Wrong(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse', has_path=False)


def _bytes(value: str, name: str) -> None:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _Wrong("illegal base64 data in ") from None


def _quantity(value: str | float, name: str) -> None:
    if not _QUANTITY.fullmatch(str(value)):
        raise _Wrong(_QUANTITY_RULE, has_path=False)


_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "bool": bool, "number": (int, float), "int32": int, "int64": int, "time": str, "bytes": str,
    "quantity": (str, int, float),
}  # fmt: skip
_CONTENTS: dict[str, Callable[[Any, str], None]] = {
    "int32": _int, "int64": _int, "time": _time, "bytes": _bytes, "quantity": _quantity,
}  # fmt: skip


def _unknown(at: str, value: Any, wanted: str) -> Iterator[str]:
    outer, _, inner = wanted.partition(":")
    if wanted in _MODELS:
        for key, each in value.items():
            known = _MODELS[wanted].get(key)
            if known is None:
                yield at + key
            elif known.startswith("list:"):
                for number, item in enumerate(each):
                    yield from _unknown(f"{at}{key}[{number}].", item, known.removeprefix("list:"))
            else:
                yield from _unknown(f"{at}{key}.", each, known)
    elif outer == "map":
        for key, each in value.items():
            yield from _unknown(f"{at}{key}.", each, inner)
