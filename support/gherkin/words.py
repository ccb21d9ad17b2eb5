"""Words of the domain in a step text: a closed list for one placeholder of a phrase, and the meaning of each word."""

from __future__ import annotations

import re
from collections.abc import Mapping

from behave import register_type

_CHOICES: dict[str, tuple[str, ...]] = {}


class Choice:
    """A type converter for behave. It matches only its own words, case-sensitively, and returns their meanings."""

    def __init__(self, meanings: Mapping[str, object]) -> None:
        self._meanings = dict(meanings)
        self.words = tuple(self._meanings)
        # Longest first, so that a word does not hide a longer one that begins with it.
        longest_first = sorted(self.words, key=len, reverse=True)
        self.pattern = f"(?-i:{'|'.join(map(re.escape, longest_first))})"

    def __call__(self, words: str) -> object:
        return self._meanings[words]


def register_choice(**choices: Mapping[str, object]) -> None:
    """Register, for each name, the words that ``{...:Name}`` in a phrase matches, and their meanings.

    Raises ValueError for a name without words, and for a name already registered with other words.
    """
    for name, meanings in choices.items():
        words = tuple(meanings)
        if not words:
            raise ValueError(f"{name} has no words; a choice needs at least one")
        if _CHOICES.setdefault(name, words) != words:
            raise ValueError(f"{name} already stands for {', '.join(_CHOICES[name])}; choose another name")
        register_type(**{name: Choice(meanings)})


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a registered choice; empty for any other type."""
    return _CHOICES.get(name, ())
