"""The tree of keys that an environment may have, derived from the models, so that errors can say what is allowed."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic.types import StringConstraints

from support.config.errors import KeyPath

Shape = Literal["section", "mapping", "list", "text", "path", "secret", "value"]
_WORDS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    SecretStr: "a text",
    Path: "a path of a file",
    date: "a date as YYYY-MM-DD",
}
_SHAPES: dict[object, Shape] = {str: "text", SecretStr: "secret", Path: "path", date: "value"}


@dataclass(frozen=True)
class SchemaNode:
    """One key: the shape of its value, and a description of what is allowed there."""

    shape: Shape
    allowed: str
    options: tuple[str, ...] = ()
    children: Mapping[str, SchemaNode] = field(default_factory=dict)
    item: SchemaNode | None = None

    def child(self, key: str) -> SchemaNode | None:
        """Return the node below ``key``, or None if there is no such key."""
        return self.item if self.shape in ("mapping", "list") else self.children.get(key)

    def at(self, path: KeyPath) -> SchemaNode | None:
        """Return the node at ``path`` below this one, or None if one of the keys is unknown."""
        node: SchemaNode | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    def known_part(self, path: KeyPath) -> KeyPath:
        """Return the longest beginning of ``path`` that exists."""
        end = next((n for n in range(len(path)) if self.at(path[: n + 1]) is None), len(path))
        return path[:end]


@cache
def tree(model: type[BaseModel]) -> SchemaNode:
    """Return the tree of the keys of ``model``."""
    children = {info.alias or name: _of_field(info) for name, info in model.model_fields.items()}
    return SchemaNode("section", f"a section with the keys {', '.join(sorted(children))}", children=children)


def _of_field(info: FieldInfo) -> SchemaNode:
    return _of(info.annotation, info.metadata)


def _of(annotation: Any, metadata: list[Any]) -> SchemaNode:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        kept = [argument for argument in arguments if argument is not type(None)]
        return _of(kept[0], metadata) if len(kept) == 1 else SchemaNode("value", "a number or a text")
    if hasattr(annotation, "__metadata__"):
        inner = FieldInfo.from_annotation(annotation)
        return _of(inner.annotation, [*inner.metadata, *metadata])
    if origin is Literal:
        return SchemaNode("text", f"one of {', '.join(arguments)}", options=arguments)
    if origin is dict:
        return SchemaNode("mapping", "a section", item=_of(arguments[1], []))
    if origin in (tuple, frozenset, list):
        item = _of(arguments[0], [])
        return SchemaNode("list", f"a list, each entry {item.allowed}", item=item)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return tree(annotation)
    return SchemaNode(_SHAPES.get(annotation, "value"), _WORDS[annotation] + _bounds(metadata))


def _bounds(metadata: list[Any]) -> str:
    words: list[str] = []
    for mark in metadata:
        if isinstance(mark, annotated_types.Ge):
            words.append(f"at least {mark.ge}")
        elif isinstance(mark, annotated_types.Gt):
            words.append(f"above {mark.gt}")
        elif isinstance(mark, annotated_types.Le):
            words.append(f"at most {mark.le}")
        elif isinstance(mark, annotated_types.Lt):
            words.append(f"below {mark.lt}")
        elif isinstance(mark, StringConstraints):
            words.append(f"matching {mark.pattern}" if mark.pattern else "not empty")
    return f", {', '.join(words)}" if words else ""
