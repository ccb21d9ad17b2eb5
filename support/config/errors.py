"""Errors for an environment that cannot be used: one line for each problem, and never a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from support.redaction.places import is_name_of_a_secret

KeyPath = tuple[str, ...]


class ConfigurationError(Exception):
    """The environment cannot be used. ``str()`` has one sentence for each problem, each on its own line.

    ``problems`` holds the problems with keys of the environment, if the error is about keys.
    """

    exit_code = 2

    def __init__(self, text: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(text)
        self.problems = problems


@dataclass(frozen=True)
class Problem:
    """One problem: its place (file and line, or variable), its key, and what is allowed there."""

    where: str
    path: KeyPath
    text: str

    def __str__(self) -> str:
        named = (_not_to_be_hidden(name) for name in (self.where, ".".join(self.path)) if name)
        return ": ".join((*named, self.text))


def _not_to_be_hidden(name: str) -> str:
    """Mark the name of a secret.

    Redaction hides the text after the bare name and a colon as the value of the secret.
    """
    return f"{name} (a secret)" if is_name_of_a_secret(name.rpartition(" ")[2]) else name


def refuse(problems: Iterable[Problem]) -> ConfigurationError:
    """Return the error that reports all ``problems``, the same sentence only once."""
    by_sentence = {str(problem): problem for problem in problems}
    return ConfigurationError("\n".join(by_sentence), tuple(by_sentence.values()))


def suggestion(given: str, allowed: Iterable[str]) -> str:
    """Return ``"did you mean X? "`` if an allowed value is similar to the given one, else an empty text."""
    near = difflib.get_close_matches(given, list(allowed), n=1)
    return f"did you mean {near[0]}? " if near else ""
