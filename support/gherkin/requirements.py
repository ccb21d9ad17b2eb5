"""Every requirement that the suite answers for, and what is in scope: ``docs/requirements.toml``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from support.files import PROJECT
from support.gherkin.dictionary import AREAS, REQUIREMENT_TAG

FILE = PROJECT / "docs" / "requirements.toml"
_Sentence = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Area = Annotated[str, StringConstraints(pattern=f"^({'|'.join(AREAS)})$")]
_Id = Annotated[str, StringConstraints(pattern=f"^{REQUIREMENT_TAG.pattern}$")]


class RequirementsError(Exception):
    """The file cannot be used; one sentence."""


class Inside(BaseModel):
    """A sentence of what is checked, and the areas that check it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentence: _Sentence
    areas: Annotated[list[_Area], Field(min_length=1)]

    @property
    def folders(self) -> list[str]:
        """The areas as folders below ``features/``."""
        return [AREAS[area] for area in self.areas]


class Scope(BaseModel):
    """What is checked, and what never is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inside: Annotated[list[Inside], Field(min_length=1)]
    outside: Annotated[list[_Sentence], Field(min_length=1)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    scope: Scope
    requirements: Annotated[dict[_Id, _Sentence], Field(min_length=1)]


@dataclass(frozen=True)
class Requirements:
    """``titles`` by id, area by area in the order in which people read them."""

    titles: Mapping[str, str]
    scope: Scope

    def of_area(self, area: str) -> list[str]:
        """The ids of the requirements of an area (``JL``)."""
        return [requirement for requirement in self.titles if requirement.startswith(f"{area}-")]


def read_requirements(path: Path = FILE) -> Requirements:
    """Raises :class:`RequirementsError` for a file that cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
        content = _File.model_validate(tomllib.loads(text))
    except OSError as error:
        raise RequirementsError(f"{path.name}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequirementsError(f"{path.name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RequirementsError(f"{path.name}: {field}: {first['msg']}; areas are {', '.join(AREAS)}") from error
    unknown = next((name for name in content.requirements if name[:2] not in AREAS), None)
    if unknown is not None:
        raise RequirementsError(f"{path.name}: requirements.{unknown}: areas are {', '.join(AREAS)}")
    ordered = sorted(content.requirements.items(), key=lambda item: place_of(item[0]))
    return Requirements(dict(ordered), content.scope)


@functools.cache
def _order() -> dict[str, int]:
    return {area: number for number, area in enumerate(AREAS)}


def place_of(requirement: str) -> tuple[int, str]:
    """The place of a requirement, an example or a row among others: what it stands on first, load and latency last."""
    return _order().get(requirement[:2], len(AREAS)), requirement


def scope_page(requirements: Requirements) -> str:
    """The scope as Markdown: ``docs/scope.md``."""
    scope = requirements.scope
    lines = [
        "# Scope",
        "",
        "Made of `docs/requirements.toml` by `python -m tools.scope_page`; a test compares the two. The letters are "
        "the areas below `features/`.",
        "",
        "## In",
        *(f"- {line.sentence} ({', '.join(line.areas)})" for line in scope.inside),
        "",
        "## Out",
        *(f"- {line}" for line in scope.outside),
        "",
        "## Requirements",
        f"{len(requirements.titles)} in {len(AREAS)} areas; each has a row on the requirements page of a run.",
        "",
        "| area | requirements |",
        "|---|---|",
        *(f"| {area} {AREAS[area].replace('_', ' ')} | {len(requirements.of_area(area))} |" for area in AREAS),
    ]
    return "\n".join(lines) + "\n"
