"""An ordered index: sorted (keys, record) pairs, updated at each write."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sortedcontainers import SortedList  # type: ignore[import-untyped]  # it ships no type information

from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.ordering import MISSING, NULL_KEY, Key, sort_key
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

Entry = tuple[tuple[Key, ...], int]
TOP: Key = (999.0,)
"""A key greater than all others."""

_OPTIONS = {"v", "key", "name", "unique", "prepareUnique", "sparse", "background", "hidden"}
_REFUSED_KINDS = ("text", "2d", "2dsphere", "hashed", "columnstore")


def default_name(key: Mapping[str, Any]) -> str:
    return "_".join(f"{field}_{_plain(direction)}" for field, direction in key.items())


def _plain(direction: Any) -> Any:
    return int(direction) if isinstance(direction, float) else direction


class Index:
    """An index built from the document of ``createIndexes``; ``multikey`` once it has indexed an array.

    Keys are stored ascending regardless of the directions, which only decide the sorts that it can provide.
    """

    def __init__(self, spec: Mapping[str, Any], namespace: str) -> None:
        _check(spec)
        self.namespace = namespace
        self.key: dict[str, Any] = {field: _plain(direction) for field, direction in spec["key"].items()}
        self.name = str(spec.get("name") or default_name(self.key))
        self.options = {name: spec[name] for name in spec if name not in ("v", "key", "name", "ns")}
        self.multikey = False
        self._read_options()
        self._paths = tuple(paths.split(field) for field in self.key)
        self.entries: SortedList[Entry] = SortedList()

    def describe(self) -> dict[str, Any]:
        """The document that ``listIndexes`` shows."""
        return {"v": 2, "key": self.key, "name": self.name, **self.options}

    def keys_of(self, document: Mapping[str, Any]) -> list[tuple[Key, ...]]:
        """The keys of a document in this index: several if a field holds an array, none if the document is left out."""
        if len(self._paths) == 1 and len(self._paths[0]) == 1:  # the usual case, kept fast for bulk loads
            value = document.get(self._paths[0][0], MISSING)
            if type(value) is not list:
                return [] if self.sparse and value is MISSING else [(sort_key(value),)]
        per_field, arrays, present = [], 0, False
        for parts in self._paths:
            keys, is_array, is_present = _field_keys(document, parts)
            per_field.append(keys)
            arrays += is_array
            present = present or is_present
        if arrays > 1:
            raise MongoError(171, f"cannot index parallel arrays {list(self.key)}")
        if self.sparse and not present:
            return []
        self.multikey = self.multikey or arrays > 0
        return list(dict.fromkeys(itertools.product(*per_field)))

    def check_unique(
        self, keys: Iterable[tuple[Key, ...]], document: Mapping[str, Any], own_record: int | None
    ) -> None:
        """Refuse keys that another record already has, with MongoDB's error 11000."""
        if not (self.unique or self.prepared):
            return
        for key in keys:
            for _, record in self.range((key,), ((*key, TOP),)):
                if record != own_record:
                    raise self._duplicate(document)

    def _duplicate(self, document: Mapping[str, Any]) -> MongoError:
        values = {field: _shown(document, parts) for field, parts in zip(self.key, self._paths, strict=True)}
        shown = ", ".join(f"{field}: {_literal(value)}" for field, value in values.items())
        text = f"E11000 duplicate key error collection: {self.namespace} index: {self.name} dup key: {{ {shown} }}"
        return MongoError(Code.DuplicateKey, text, keyPattern=self.key, keyValue=values)

    def add(self, keys: Iterable[tuple[Key, ...]], record: int) -> None:
        for key in keys:
            self.entries.add((key, record))

    def discard(self, keys: Iterable[tuple[Key, ...]], record: int) -> None:
        for key in keys:
            self.entries.discard((key, record))

    def build(self, documents: Mapping[int, Mapping[str, Any]]) -> None:
        """Index the documents of the collection; a unique index refuses duplicates."""
        found = SortedList((key, record) for record, document in documents.items() for key in self.keys_of(document))
        if self.unique and (shared := next(_shared(found), None)) is not None:
            raise self._duplicate(documents[shared[1]])
        self.entries = found

    def alter(self, option: str, value: bool) -> None:
        """Change an option as ``collMod`` may: ``hidden``, ``prepareUnique``, and ``unique`` if it is prepared."""
        if option == "unique":
            self._check_may_become_unique(value)
            self.options.pop("prepareUnique", None)
        self.options.pop(option, None)
        if value:
            self.options[option] = True
        self._read_options()

    def _read_options(self) -> None:
        self.unique = bool(self.options.get("unique")) or self.name == "_id_"
        self.prepared, self.sparse, self.hidden = map(
            bool, map(self.options.get, ("prepareUnique", "sparse", "hidden"))
        )

    def _check_may_become_unique(self, value: bool) -> None:
        if not value:
            text = "collMod does not support converting an index from 'unique' to 'non-unique'"
            raise MongoError(Code.BadValue, text)
        if not (self.unique or self.prepared):
            text = "collMod unique: the index must be prepared with prepareUnique before it is made unique"
            raise MongoError(Code.InvalidOptions, text)
        if next(_shared(self.entries), None) is not None:
            text = (
                "Cannot convert the index to unique. Please resolve conflicting documents before running collMod again."
            )
            raise MongoError(Code.CannotConvertIndexToUnique, text)

    def positions(self, low: tuple[Any, ...], high: tuple[Any, ...]) -> tuple[int, int]:
        """The half-open range of positions between two search keys."""
        return self.entries.bisect_left(low), self.entries.bisect_left(high)

    def range(self, low: tuple[Any, ...], high: tuple[Any, ...], backward: bool = False) -> Iterator[Entry]:
        """The entries between two search keys, in order, as they are now."""
        first, last = self.positions(low, high)
        return iter(list(self.entries.islice(first, last, reverse=backward)))


def _shared(entries: Iterable[Entry]) -> Iterator[tuple[int, int]]:
    """Pairs of records that have the same key."""
    for (key, record), (next_key, next_record) in itertools.pairwise(entries):
        if key == next_key and record != next_record:
            yield record, next_record


def _field_keys(document: Mapping[str, Any], parts: tuple[str, ...]) -> tuple[list[Key], bool, bool]:
    keys: list[Key] = []
    leaves = list(paths.leaves(document, parts))
    is_array = len(leaves) != 1
    for leaf in leaves:
        keys.append(sort_key(leaf))
        if type(leaf) is list:
            is_array = True
            keys.extend(map(sort_key, leaf))
    present = any(leaf is not MISSING for leaf in leaves)
    return keys or [NULL_KEY], is_array, present


def _shown(document: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
    value = paths.get(document, parts)
    return None if value is MISSING else value


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)


def _check(spec: Mapping[str, Any]) -> None:
    key = spec.get("key")
    if not isinstance(key, dict) or not key:
        raise MongoError(Code.CannotCreateIndex, "Index keys cannot be an empty object.")
    for field, direction in key.items():
        if direction in _REFUSED_KINDS or "$**" in field:
            raise refused(f"index of kind {direction!r} on {field!r}")
        if isinstance(direction, bool) or not isinstance(direction, (int, float)) or direction not in (1, -1):
            raise MongoError(Code.CannotCreateIndex, f"Values in v:2 index key pattern cannot be {direction!r}")
        if not field or field.startswith("$") or "" in field.split("."):
            raise MongoError(Code.CannotCreateIndex, f"Index key contains an illegal field name: {field!r}")
    unknown = set(spec) - _OPTIONS - {"ns"}
    if unknown:
        raise refused(f"index options {sorted(unknown)}")


def conflict(existing: Index, wanted: Index) -> MongoError | None:
    """The error if ``wanted`` conflicts with ``existing``; ``None`` if it does not or if both are the same."""
    same_key = list(existing.key.items()) == list(wanted.key.items())
    ignored = {"background"}
    options = [
        {k: v for k, v in index.options.items() if k not in ignored and v is not False} for index in (existing, wanted)
    ]
    if existing.name == wanted.name and not (same_key and options[0] == options[1]):
        code = Code.IndexOptionsConflict if same_key else Code.IndexKeySpecsConflict
        text = (
            "An existing index has the same name as the requested index. When index names are not specified, they are "
            "auto generated and can cause conflicts. Please refer to our documentation. "
            f"Requested index: {wanted.describe()}, existing index: {existing.describe()}"
        )
        return MongoError(code, text)
    if same_key and existing.name != wanted.name:
        return MongoError(Code.IndexOptionsConflict, f"Index already exists with a different name: {existing.name}")
    return None
