"""What is said when an environment cannot be used: one line for each problem, and never a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from support.redaction.places import is_name_of_a_secret

KeyPath = tuple[str, ...]


class ConfigurationError(Exception):
    """The environment cannot be used. ``str()`` has one sentence for each problem, each on a line of its own.

    ``problems`` are those of the environment's keys, where it is about keys.
    """

    exit_code = 2

    def __init__(self, text: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(text)
        self.problems = problems


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (file and line, or variable), under which key, and what is allowed."""

    where: str
    path: KeyPath
    text: str

    def __str__(self) -> str:
        named = (_not_to_be_hidden(name) for name in (self.where, ".".join(self.path)) if name)
        return ": ".join((*named, self.text))


def _not_to_be_hidden(name: str) -> str:
    """What follows the bare name of a secret and a colon would be hidden as its value, wherever this is printed."""
    return f"{name} (a secret)" if is_name_of_a_secret(name.rpartition(" ")[2]) else name


def refuse(problems: Iterable[Problem]) -> ConfigurationError:
    """The error that tells all ``problems``; the same sentence is told once."""
    told = {str(problem): problem for problem in problems}
    return ConfigurationError("\n".join(told), tuple(told.values()))


def suggestion(given: str, allowed: Iterable[str]) -> str:
    """``"did you mean X? "`` when something allowed is near to what was given, else nothing."""
    near = difflib.get_close_matches(given, list(allowed), n=1)
    return f"did you mean {near[0]}? " if near else ""
