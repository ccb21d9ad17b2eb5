"""A matcher from a question and its words, so that no check needs a class of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

T = TypeVar("T")
_NAMED = 5


class Judged(BaseMatcher[T]):
    """``trouble`` answers None when all is well, and otherwise says in domain words what is wrong."""

    def __init__(self, wanted: str, trouble: Callable[[T], str | None]) -> None:
        self._wanted = wanted
        self._trouble = trouble

    def trouble(self, item: T) -> str | None:
        """What is wrong, None when all is well."""
        return self._trouble(item)

    def _matches(self, item: T) -> bool:
        return self._trouble(item) is None

    def describe_to(self, description: Description) -> None:
        description.append_text(self._wanted)

    def describe_mismatch(self, item: T, mismatch_description: Description) -> None:
        mismatch_description.append_text(self._trouble(item) or "nothing wrong")


def judged(wanted: str, trouble: Callable[[Any], str | None]) -> Judged[Any]:
    """``wanted`` completes the sentence "expected: ..."."""
    return Judged(wanted, trouble)


def listed(troubles: Iterable[str]) -> str | None:
    """The first few troubles and the number of the others; None when there is none."""
    found = list(troubles)
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(found[:_NAMED]) + more if found else None
