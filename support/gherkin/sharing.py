"""Shared work: results that a run makes once for all scenarios that use them, and the phrases that ask for them.

The function that makes such a result is marked with :func:`made_once`. A step that asks for it directly, not through a
word of its phrase, is marked with :func:`asks_for`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self, TypeVar

from behave import step_registry
from behave.runner_util import load_step_modules
from behave.step_registry import StepRegistry

Function = TypeVar("Function", bound=Callable[..., Any])

FULL_LOAD = "the full load"
"""The name of the one load of the required number that several scenarios share."""
_MARK = "made_once_in_a_run"


def made_once(what: str) -> Callable[[Function], Function]:
    """Mark a function that makes something once in a run for all scenarios that ask for it. ``what`` is its name."""

    def mark(function: Function) -> Function:
        setattr(function, _MARK, what)
        return function

    return mark


def asks_for(maker: Callable[..., Any]) -> Callable[[Function], Function]:
    """Mark a step that asks for the result of ``maker``. Raises ValueError if ``maker`` is not marked as made once."""
    what = name_of(maker)
    if what is None:
        raise ValueError(f"{maker.__qualname__} is not declared as made once in a run")
    return made_once(what)


def name_of(maker: object) -> str | None:
    """Return the name of the result that a function makes once in a run, or None for other functions."""
    what: str | None = getattr(maker, _MARK, None)
    return what


class Sharing:
    """Finds the shared work of scenarios by their steps, which are defined in ``registry``.

    Raises ValueError if no step asks for any: the step modules were then not loaded into this registry.
    """

    def __init__(self, registry: StepRegistry) -> None:
        definitions = (one for kind in registry.steps.values() for one in kind)
        # Only a marked step, or a word of a closed list, can ask for shared work. Other definitions need no matching.
        self._asking = [one for one in definitions if name_of(one.func) or ":" in one.pattern]
        if not self._asking:
            raise ValueError("no step is defined that asks for shared work: the step modules are not loaded here")

    @classmethod
    def loading(cls, steps: Path) -> Self:
        """Load the step modules of a folder, as behave does."""
        step_registry.registry.clear()
        load_step_modules([str(steps)])
        return cls(step_registry.registry)

    def of(self, texts: Iterable[str]) -> str | None:
        """Return the name of the work that a scenario with these steps shares, or None. Raises ValueError for two."""
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
