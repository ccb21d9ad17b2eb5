"""The mutation operators: code they change, code they leave alone, and the identification of a change by its words."""

from __future__ import annotations

import ast

import pytest

from tools.mutants.places import mutated, places


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = a < b", ["x = a < b -> x = a <= b"]),
        ("x = a is None", ["x = a is None -> x = a is not None"]),
        ("x = 3", ["x = 3 -> x = 4"]),
        ("x = True", ["x = True -> x = False"]),
        ("if a: pass", ["if a: -> if not a:"]),
        ("if a == b: pass", ["if a == b: -> if a != b:"]),
        ("if not a: pass", ["if not a: -> if a:"]),
        ("x = [a for a in b if a]", ["x = [a for a in b if a] -> x = [a for a in b if not a]"]),
        ("x = a and b", ["x = a and b -> x = a or b"]),
        ("x = a + b", ["x = a + b -> x = a - b"]),
        ("a += b", ["a += b -> a -= b"]),
        ("f(a)", ["f(a) -> nothing"]),
        ("raise X", ["raise X -> nothing"]),
        ("def f():\n    return a", ["return a -> return None"]),
        ("x = {'a': 1}", ["x = {'a': 1} -> x = {'a': 2}"]),
    ],
)
def test_what_is_changed(source: str, words: list[str]) -> None:
    assert [place.words for place in places(source)] == words


@pytest.mark.parametrize(
    "source",
    [
        "'text'",
        "x = 'text'",
        "def f(a: Literal[1]) -> Literal[2]: ...",
        "@dataclass(frozen=True)\nclass A: ...",
        "assert a < 1",
        "log.info('x %d', a)",
        "if TYPE_CHECKING:\n    f()",
        "def f():\n    return None",
    ],
)
def test_what_is_not_changed(source: str) -> None:
    assert places(source) == []


def test_a_mutant_differs_in_its_place_alone() -> None:
    source = "def f(a):\n    if a > 1:\n        return a * 2\n    return 0\n"
    found = {place.words: ast.unparse(mutated(source, place.number)) for place in places(source)}
    assert found["return a * 2 -> return a / 2"] == ast.unparse(ast.parse(source.replace("*", "/")))
    assert len(set(found.values())) == len(found)


def test_a_place_is_known_wherever_it_moves_to() -> None:
    before = {place.id_in("m") for place in places("def f(a):\n    return a + 1\n")}
    after = {place.id_in("m") for place in places("x = 5\n\n\ndef f(a):\n    g()\n    return a + 1\n")}
    assert before < after


def test_the_same_words_twice_in_a_function_are_told_apart() -> None:
    assert [place.words for place in places("f()\nf()")] == ["f() -> nothing", "f() -> nothing (2)"]


def test_of_a_long_statement_the_part_around_the_change_is_told() -> None:
    long = ", ".join(f"'field_number_{number}': {number + 100}" for number in range(20))
    assert places(f"x = {{{long}}}")[7].words == "'field_number_7': 107 -> 'field_number_7': 108"
