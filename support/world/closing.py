"""Closing of the parts of a world together with the world."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol, TypeVar


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


def closed_with(closing: ExitStack, part: T) -> T:
    """Return ``part``, which is closed together with ``closing``."""
    closing.callback(part.close)
    return part
