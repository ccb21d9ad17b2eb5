"""Closed lists of words in step texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from behave import matchers

from support.gherkin.words import Choice, register_choice, words_of


def matched(pattern: str, text: str) -> object:
    """The meaning of the text at the placeholder of ``pattern``, or None if ``text`` is another phrase."""
    found = matchers.ParseMatcher(lambda context: None, pattern).match(text)
    return found.arguments[0].value if found is not None else None


@pytest.fixture
def stuff() -> Iterator[str]:
    """A unique choice name for one test."""
    name = "StuffOfATest"
    register_choice(**{name: {"a port": 1, "a port of its own": 2, "its (own) slice": 3}})
    yield name


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("it has a port", 1),
        ("it has a port of its own", 2),
        ("it has its (own) slice", 3),
        ("it has a Port", None),
        ("it has a port of", None),
        ("it has nothing", None),
    ],
)
def test_a_phrase_takes_the_words_and_no_others(stuff: str, text: str, meaning: int | None) -> None:
    assert matched(f"it has {{what:{stuff}}}", text) == meaning


def test_the_words_are_kept_in_their_order(stuff: str) -> None:
    assert words_of(stuff) == ("a port", "a port of its own", "its (own) slice")
    assert words_of("nobody registered this") == ()


def test_a_name_stands_for_one_list_of_words(stuff: str) -> None:
    register_choice(**{stuff: dict.fromkeys(words_of(stuff), 0)})
    with pytest.raises(ValueError, match=f"{stuff} already stands for a port, .*; choose another name"):
        register_choice(**{stuff: {"a port": 1}})


def test_a_choice_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="Nothing has no words"):
        register_choice(Nothing={})


def test_the_longest_word_is_tried_first() -> None:
    assert Choice({"a": 1, "a b": 2}).pattern == r"(?-i:a\ b|a)"
