"""Parts of a world that end with it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol, TypeVar


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


def closed_with(closing: ExitStack, part: T) -> T:
    """``part`` itself, closed when ``closing`` is."""
    closing.callback(part.close)
    return part
