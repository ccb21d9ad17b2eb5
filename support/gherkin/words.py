"""Words of the domain in a step text: a closed list for one place of a phrase, and what each of them stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from behave import register_type

_CHOICES: dict[str, tuple[str, ...]] = {}


class Choice:
    """A converter for behave: matches its words and no others, in their own case, and answers what they stand for."""

    def __init__(self, meanings: Mapping[str, object]) -> None:
        self._meanings = dict(meanings)
        self.words = tuple(self._meanings)
        # Longest first, so that no word hides the one it begins.
        longest_first = sorted(self.words, key=len, reverse=True)
        self.pattern = f"(?-i:{'|'.join(map(re.escape, longest_first))})"

    def __call__(self, words: str) -> object:
        return self._meanings[words]


def register_choice(**choices: Mapping[str, object]) -> None:
    """For each name: the words that may stand for ``{...:Name}`` in a phrase, and their meanings.

    Raises ValueError for a name without words, and for one that stands for other words already.
    """
    for name, meanings in choices.items():
        words = tuple(meanings)
        if not words:
            raise ValueError(f"{name} has no words; a choice needs at least one")
        if _CHOICES.setdefault(name, words) != words:
            raise ValueError(f"{name} already stands for {', '.join(_CHOICES[name])}; choose another name")
        register_type(**{name: Choice(meanings)})


def words_of(name: str) -> tuple[str, ...]:
    """The words of a registered choice; none for any other type."""
    return _CHOICES.get(name, ())
