"""What a run makes once for all scenarios that look at it, and which phrases ask for it.

It is declared where it is made (:func:`made_once`) and, where a step asks for it by itself and not by a word of its
phrase, at that step (:func:`asks_for`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from behave import step_registry
from behave.runner_util import load_step_modules

Function = TypeVar("Function", bound=Callable[..., Any])

FULL_LOAD = "the full load"
"""What scenarios look at together that need one load of the required number."""
_MARK = "made_once_in_a_run"


def made_once(what: str) -> Callable[[Function], Function]:
    """For a function that makes something once in a run, however many scenarios ask for it; ``what`` is its name."""

    def mark(function: Function) -> Function:
        setattr(function, _MARK, what)
        return function

    return mark


def asks_for(maker: Callable[..., Any]) -> Callable[[Function], Function]:
    """For a step: it asks for what ``maker`` makes once. ValueError when that is made for every scenario anew."""
    what = name_of(maker)
    if what is None:
        raise ValueError(f"{maker.__qualname__} is not declared as made once in a run")
    return made_once(what)


def name_of(maker: object) -> str | None:
    """The name of what it makes once in a run; None where it makes nothing of the kind."""
    what: str | None = getattr(maker, _MARK, None)
    return what


class Sharing:
    """Loads the step modules as behave does."""

    def __init__(self, steps: Path) -> None:
        step_registry.registry.clear()
        load_step_modules([str(steps)])
        definitions = (one for kind in step_registry.registry.steps.values() for one in kind)
        # Only a mark or a word of a closed list can ask for it: the others need not be compared with every text.
        self._asking = [one for one in definitions if name_of(one.func) or ":" in one.pattern]

    def of(self, texts: Iterable[str]) -> str | None:
        """What a scenario with these steps shares with others, or None. ValueError for more than one such thing."""
        found = {what for text in texts for what in self._asked(text)}
        if len(found) > 1:
            raise ValueError(f"one scenario looks at {' and '.join(sorted(found))}, which are made once each")
        return next(iter(found), None)

    def _asked(self, text: str) -> list[str]:
        matches = (match for one in self._asking if (match := one.match(text)) is not None)
        return [
            what
            for match in matches
            for maker in (match.func, *(argument.value for argument in match.arguments or ()))
            if (what := name_of(maker)) is not None
        ]
