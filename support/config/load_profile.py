"""Load profiles: the number, kind and timing of investigations to open. docs/devops.md describes the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from support.config.base import Section, Text
from support.config.documents import SettingsDocument, read_yaml
from support.config.errors import ConfigurationError, KeyPath, Problem, refuse, suggestion
from support.config.overrides import unknown_key
from support.config.schema import tree

MOST_JOBS, MOST_TURNS, A_DAY_S = 20_000, 10_000, 86_400.0
STAGGER_S = 0.001
"""Seconds between two requests that count as simultaneous (docs/facts/capacity.md 2.3)."""
Investigations = Literal["live", "historic", "mixed", "heavy"]
Jobs = Annotated[int, Field(ge=1, le=MOST_JOBS)]
Turns = Annotated[int, Field(ge=1, le=MOST_TURNS)]
Seconds = Annotated[float, Field(ge=0, le=A_DAY_S)]


@dataclass(frozen=True)
class LoadTurn:
    """A turn of load: ``jobs`` open, each ``apart_s`` after the previous, stay open for ``hold_s``, and are
    released."""

    jobs: int
    apart_s: float = STAGGER_S
    hold_s: float = 0.0


class LoadProfile(Section):
    """The fields of all profiles. Seconds are those of the site: a sandbox, whose time runs faster, takes fewer."""

    title: Text
    investigations: Investigations = "live"
    jobs: Jobs

    def turns(self, scale: float) -> tuple[LoadTurn, ...]:
        """Return the turns in their order. ``scale`` is the duration of a second of the site in real seconds."""
        raise NotImplementedError

    @property
    def most(self) -> int:
        """The highest number of investigations that are open at the same time."""
        return max(turn.jobs for turn in self.turns(1.0))

    @property
    def in_all(self) -> int:
        return sum(turn.jobs for turn in self.turns(1.0))


class Constant(LoadProfile):
    """``jobs`` investigations, opened at one moment and held."""

    shape: Literal["constant"]
    hold_s: Seconds = 0.0

    def turns(self, scale: float) -> tuple[LoadTurn, ...]:
        return (LoadTurn(self.jobs, hold_s=self.hold_s * scale),)


class Ramp(LoadProfile):
    """``jobs`` investigations, opened one after the other, evenly over ``over_s``, and held."""

    shape: Literal["ramp"]
    over_s: Annotated[float, Field(gt=0, le=A_DAY_S)]
    hold_s: Seconds = 0.0

    def turns(self, scale: float) -> tuple[LoadTurn, ...]:
        return (LoadTurn(self.jobs, max(STAGGER_S, self.over_s * scale / self.jobs), self.hold_s * scale),)


class Spike(LoadProfile):
    """Single investigations, then ``jobs`` at one moment, then single ones again."""

    shape: Literal["spike"]
    singles: Turns
    hold_s: Seconds = 0.0

    def turns(self, scale: float) -> tuple[LoadTurn, ...]:
        alone = (LoadTurn(1),) * self.singles
        return (*alone, LoadTurn(self.jobs, hold_s=self.hold_s * scale), *alone)


class Cycles(LoadProfile):
    """``jobs`` investigations, opened at one moment and released, repeated ``times`` times."""

    shape: Literal["cycles"]
    times: Turns
    hold_s: Seconds = 0.0

    def turns(self, scale: float) -> tuple[LoadTurn, ...]:
        return (LoadTurn(self.jobs, hold_s=self.hold_s * scale),) * self.times


SHAPES: Mapping[str, type[LoadProfile]] = {"constant": Constant, "ramp": Ramp, "spike": Spike, "cycles": Cycles}


def read_load_profile(path: Path) -> LoadProfile:
    """Read the profile in a file. Raises :class:`ConfigurationError` with one line for each problem."""
    document = read_yaml(path, "a profile of load is a mapping of fields")
    shape = document.data.get("shape")
    if not isinstance(shape, str) or shape not in SHAPES:
        allowed = f"allowed: one of {', '.join(SHAPES)}"
        near = suggestion(str(shape), SHAPES)
        text = f"missing; {allowed}" if shape is None else f"{shape!r} is not allowed; {near}{allowed}"
        raise refuse([Problem(document.origin.where(("shape",)), ("shape",), text)])
    try:
        return SHAPES[shape].model_validate(document.data)
    except ValidationError as error:
        raise refuse(_problems(error, document, SHAPES[shape])) from error


def _problems(error: ValidationError, document: SettingsDocument, model: type[LoadProfile]) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        path = tuple(str(key) for key in detail["loc"])
        yield Problem(document.origin.where(path), path, _text(detail, path, model))


def _text(detail: ErrorDetails, path: KeyPath, model: type[LoadProfile]) -> str:
    root = tree(model)
    if detail["type"] == "extra_forbidden":
        return unknown_key(path[-1], sorted(root.children))
    node = root.at(path)
    allowed = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else node.allowed if node else ""
    if detail["type"] == "missing":
        return f"missing; allowed: {allowed}"
    near = suggestion(str(detail["input"]), node.options if node else ())
    return f"{_written(detail['input'])} is not allowed; {near}allowed: {allowed}"


def _written(value: Any) -> str:
    return "empty" if value is None else "a section" if isinstance(value, dict) else repr(value)


def require_within(profile: LoadProfile, label: str, caps: Mapping[str, int]) -> None:
    """Raise :class:`ConfigurationError` if the load exceeds the caps of the environment (its ``safety`` section)."""
    asked = {"requests_at_once": profile.most, "openings_in_all": profile.in_all}
    over = [
        f"{label}: {amount} investigations {_WORDS[name]} are refused: safety.{name} is {caps[name]}"
        for name, amount in asked.items()
        if amount > caps[name]
    ]
    if over:
        raise ConfigurationError("\n".join(over))


_WORDS = {"requests_at_once": "at once", "openings_in_all": "in all"}
