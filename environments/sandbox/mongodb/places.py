"""Finds, in a document that is being updated, the places an update path means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.errors import BAD_VALUE, PATH_NOT_VIABLE, MongoError
from environments.sandbox.mongodb.matching import Predicate, compile_filter
from environments.sandbox.mongodb.ordering import MISSING, type_name

_MAX_PADDING = 1_500_000


class Place:
    """One field of a document or one element of an array, which may not be there yet."""

    def __init__(self, container: Any, name: str) -> None:
        self.container = container
        self.name = name

    def get(self) -> Any:
        if isinstance(self.container, list):
            position = int(self.name)
            return self.container[position] if position < len(self.container) else MISSING
        return self.container.get(self.name, MISSING)

    def set(self, value: Any) -> None:
        if isinstance(self.container, list):
            position = int(self.name)
            if position > _MAX_PADDING:
                raise MongoError(BAD_VALUE, "can't backfill more than 1500000 elements")
            self.container.extend([None] * (position + 1 - len(self.container)))
            self.container[position] = value
        else:
            self.container[self.name] = value

    def remove(self) -> None:
        if isinstance(self.container, list):
            if int(self.name) < len(self.container):
                self.container[int(self.name)] = None
        else:
            self.container.pop(self.name, None)


class Places:
    """Resolves paths with ``$``, ``$[]`` and ``$[name]`` in ``document``; ``before`` is what the query matched."""

    def __init__(
        self,
        document: dict[str, Any],
        before: dict[str, Any],
        query: Mapping[str, Any],
        filters: Mapping[str, Predicate],
    ) -> None:
        self.document = document
        self._before = before
        self._query = query
        self._filters = filters

    def find(self, path: str, create: bool = True) -> list[Place]:
        """Every place of a path. ``create`` makes missing documents on the way, else missing ways are left out."""
        parts = path.split(".")
        if "" in parts:
            raise MongoError(56, f"The update path '{path}' contains an empty field name, which is not allowed.")
        if any(part.startswith("$") and part != "$" and not part.startswith("$[") for part in parts):
            raise MongoError(52, f"The dollar ($) prefixed field '{path}' is not valid for storage.")
        return list(self._walk(self.document, parts, 0, create))

    def _walk(self, container: Any, parts: list[str], position: int, create: bool) -> Iterator[Place]:
        part = parts[position]
        if isinstance(container, list) and part.startswith("$"):
            for element in self._elements(container, parts, position):
                yield from self._enter(Place(container, str(element)), parts, position, create)
        elif isinstance(container, dict) and not part.startswith("$") or isinstance(container, list) and part.isdigit():
            yield from self._enter(Place(container, part), parts, position, create)
        elif create:
            path = ".".join(parts[:position])
            if part.startswith("$"):
                raise MongoError(
                    BAD_VALUE, f"The path '{path}' must exist in the document in order to apply array updates."
                )
            text = f"Cannot create field '{part}' in element {{{path}: {container!r}}} of type {type_name(container)}"
            raise MongoError(PATH_NOT_VIABLE, text)

    def _enter(self, place: Place, parts: list[str], position: int, create: bool) -> Iterator[Place]:
        if position == len(parts) - 1:
            yield place
            return
        inner = place.get()
        if inner is MISSING:
            if not create:
                return
            inner = {}
            if not parts[position + 1].startswith("$"):
                place.set(inner)
        yield from self._walk(inner, parts, position + 1, create)

    def _elements(self, array: list[Any], parts: list[str], position: int) -> list[int]:
        part = parts[position]
        if part == "$":
            return [self._matched(parts[:position])]
        if part == "$[]":
            return list(range(len(array)))
        test = self._filters[part[2:-1]]
        return [number for number, element in enumerate(array) if test(element)]

    def _matched(self, parts: list[str]) -> int:
        """The position of the element that made the query match."""
        array = paths.get(self._before, parts)
        path = ".".join(parts)
        tests = list(_array_tests(self._query, path))
        if isinstance(array, list):
            for number, element in enumerate(array):
                if tests and all(test(element) for test in tests):
                    return number
        raise MongoError(BAD_VALUE, "The positional operator did not find the match needed from the query.")


def _array_tests(query: Mapping[str, Any], path: str) -> Iterator[Predicate]:
    for name, operand in query.items():
        if name == "$and":
            for part in operand:
                yield from _array_tests(part, path)
        elif name == path:
            yield _value_test(operand)
        elif name.startswith(f"{path}."):
            yield compile_filter({name[len(path) + 1 :]: operand})


def _value_test(operand: Any) -> Predicate:
    if isinstance(operand, dict) and "$elemMatch" in operand:
        test = compile_filter({"value": operand})
        return lambda element: test({"value": [element]})
    test = compile_filter({"value": operand})
    return lambda element: test({"value": element})
