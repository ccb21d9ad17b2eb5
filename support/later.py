"""Modules that are imported when they are used, so that a command that does not need them does not wait for them."""

from __future__ import annotations

import importlib
from typing import Any


class Later:
    """Stands for a module until one of its attributes is used: ``focus-acceptance --help`` needs no client."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)
