"""The requirements that the suite checks, and its scope: ``docs/requirements.toml``."""

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
    """The file cannot be used. The message is one sentence."""


class Inside(BaseModel):
    """One sentence about a subject that is checked, and the areas that check it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentence: _Sentence
    areas: Annotated[list[_Area], Field(min_length=1)]

    @property
    def folders(self) -> list[str]:
        """The folders of the areas below ``features/``."""
        return [AREAS[area] for area in self.areas]


class Scope(BaseModel):
    """The scope: sentences about what is checked, and about what is not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inside: Annotated[list[Inside], Field(min_length=1)]
    outside: Annotated[list[_Sentence], Field(min_length=1)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    scope: Scope
    requirements: Annotated[dict[_Id, _Sentence], Field(min_length=1)]


@dataclass(frozen=True)
class Requirements:
    """The requirements. ``titles`` are by id, grouped by area in reading order."""

    titles: Mapping[str, str]
    scope: Scope

    def of_area(self, area: str) -> list[str]:
        """Return the ids of the requirements of an area (``JL``)."""
        return [requirement for requirement in self.titles if requirement.startswith(f"{area}-")]


def read_requirements(path: Path = FILE) -> Requirements:
    """Read the requirements. Raises :class:`RequirementsError` for a file that cannot be used."""
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
    """Return the sort key of a requirement, an example or a row: in the order of ``AREAS``, then by id."""
    return _order().get(requirement[:2], len(AREAS)), requirement


def scope_page(requirements: Requirements) -> str:
    """Return the scope as Markdown: ``docs/scope.md``."""
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
