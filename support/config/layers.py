"""Layers of values (the environment file, the run file, the variables), overlaid and then resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.config.documents import SettingsDocument
from support.config.errors import KeyPath, Problem
from support.config.overrides import Override, unknown_key
from support.config.schema import SchemaNode
from support.config.secrets import FROM_FILE, SettingsLayer, Unusable, is_literal_secret, read_secret


class Layers:
    """Collects values from the layers. The top layer wins. Problems are added to ``problems``."""

    def __init__(self, root: SchemaNode) -> None:
        self.problems: list[Problem] = []
        self.data: dict[str, Any] = {}
        self.secret_sources: dict[str, str] = {}
        self.file_secrets: list[str] = []
        self._root = root
        self._owners: dict[KeyPath, SettingsLayer] = {}

    def lay_document(self, document: SettingsDocument, layer: SettingsLayer) -> None:
        """Lay all values of a file on top, section by section."""
        self._merge(self.data, document.data, self._root, (), layer)

    def lay_override(self, override: Override) -> None:
        """Lay the value of one variable on top."""
        target = self.data
        for key in override.path[:-1]:
            if not isinstance(target.get(key), dict):
                target[key] = {}
            target = target[key]
        target[override.path[-1]] = override.value
        self._take(override.path, override.layer)

    def owner(self, path: KeyPath) -> SettingsLayer | None:
        """Return the layer that set the value at ``path``, or the nearest value above it."""
        return next((self._owners[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._owners), None)

    def resolve(self) -> dict[str, Any]:
        """Return the values with the contents of variables and files inserted."""
        resolved: dict[str, Any] = self._resolved(self.data, self._root, ())
        return resolved

    def _merge(
        self, target: dict[str, Any], given: Mapping[str, Any], node: SchemaNode, path: KeyPath, layer: SettingsLayer
    ) -> None:
        for key, value in given.items():
            below, child = (*path, key), node.child(key)
            if child is None:
                self._problem(layer, below, unknown_key(key, sorted(node.children)))
            elif isinstance(value, dict) and child.shape in ("section", "mapping"):
                if not isinstance(target.get(key), dict):
                    target[key] = {}
                self._owners.setdefault(below, layer)
                self._merge(target[key], value, child, below, layer)
            else:
                self._take(below, layer)
                target[key] = self._checked(value, child, below, layer)

    def _checked(self, value: Any, node: SchemaNode, path: KeyPath, layer: SettingsLayer) -> Any:
        if isinstance(value, list) and node.item is not None and node.item.shape == "section":
            entries: list[Any] = []
            for index, entry in enumerate(value):
                entries.append({} if isinstance(entry, dict) else entry)
                if isinstance(entry, dict):
                    self._merge(entries[-1], entry, node.item, (*path, str(index)), layer)
            return entries
        if node.shape == "secret" and layer.kind == "environment file" and is_literal_secret(value):
            self._problem(
                layer, path, "a secret must not be written in an environment file; allowed: ${VARIABLE} or file:PATH"
            )
        return value

    def _resolved(self, value: Any, node: SchemaNode | None, path: KeyPath) -> Any:
        if node is None or value is None:
            return value
        if isinstance(value, dict):
            return {key: self._resolved(item, node.child(key), (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item, node.child(str(i)), (*path, str(i))) for i, item in enumerate(value)]
        layer = self.owner(path)
        if layer is None:
            return value
        try:
            return self._plain(value, node, path, layer)
        except Unusable as error:
            self._problem(layer, path, str(error))
            return value

    def _plain(self, value: Any, node: SchemaNode, path: KeyPath, layer: SettingsLayer) -> Any:
        plain, source = layer.resolve(value, node, path)
        if node.shape == "secret":
            self.secret_sources[".".join(path)] = source
        if node.shape == "path" and isinstance(value, str) and value:
            if not plain.is_file():
                raise Unusable(f"file {plain} does not exist")
            if path[-1] == "password_file":
                self.file_secrets.append(read_secret(plain))
                self.secret_sources[".".join(path)] = FROM_FILE
            elif path[-1] == "key_file":
                self.secret_sources[".".join(path)] = FROM_FILE
        return plain

    def _take(self, path: KeyPath, layer: SettingsLayer) -> None:
        """Make ``layer`` the owner of the value at ``path`` and of everything below it."""
        for below in [known for known in self._owners if known[: len(path)] == path]:
            del self._owners[below]
        self._owners[path] = layer

    def _problem(self, layer: SettingsLayer, path: KeyPath, text: str) -> None:
        self.problems.append(Problem(layer.origin.where(path), path, text))
