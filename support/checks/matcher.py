"""A matcher made of a function and a description, so that no check needs its own class."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

T = TypeVar("T")
_NAMED = 5


class Judged(BaseMatcher[T]):
    """A matcher whose ``trouble`` returns None on success, and otherwise says in domain terms what is wrong."""

    def __init__(self, wanted: str, trouble: Callable[[T], str | None]) -> None:
        self._wanted = wanted
        self._trouble = trouble

    def trouble(self, item: T) -> str | None:
        """Return what is wrong, or None."""
        return self._trouble(item)

    def _matches(self, item: T) -> bool:
        return self._trouble(item) is None

    def describe_to(self, description: Description) -> None:
        description.append_text(self._wanted)

    def describe_mismatch(self, item: T, mismatch_description: Description) -> None:
        mismatch_description.append_text(self._trouble(item) or "nothing wrong")


def judged(wanted: str, trouble: Callable[[Any], str | None]) -> Judged[Any]:
    """Make a matcher. ``wanted`` completes the sentence "expected: ..."."""
    return Judged(wanted, trouble)


def listed(troubles: Iterable[str]) -> str | None:
    """Join the first few problems and the number of the others. Returns None if there is none."""
    found = list(troubles)
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(found[:_NAMED]) + more if found else None
