"""The suite's part of the fault catalogue: the scenarios that each fault must make fail, and with which words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from support.files import PROJECT

CATALOGUE_FILE = PROJECT / "environments" / "sandbox" / "faults.toml"
FaultId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_REQUIREMENT = re.compile(r"[A-Z]{2}-\d{2}")
Requirement = Annotated[str, StringConstraints(pattern=f"^{_REQUIREMENT.pattern}$")]
ScenarioId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-\d{2}[a-z](\.\d+)?$")]


class CatalogueError(Exception):
    """The catalogue cannot be used, or does not contain a fault. The message is one sentence."""


class _CatalogueEntry(BaseModel):
    """One ``[[fault]]``. The fields from ``process`` to ``also`` are instructions for the sandbox."""

    model_config = ConfigDict(extra="forbid")

    id: FaultId
    requirement: Requirement
    notice: str
    scenarios: dict[ScenarioId, str]
    related: list[str] = []
    process: str | None = None
    toxics: list[dict[str, object]] = []
    cut: list[str] = []
    also: list[FaultId] = []
    environment: dict[str, str] = {}
    waits: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault of the catalogue.

    ``scenarios`` must fail, each with the given text in its failure. Scenarios of ``requirement`` and ``related`` may
    fail as a consequence; no other scenario may. ``environment`` holds variables given to the run instead of a switch.
    A run with a fault that ``waits`` needs little of the machine.
    """

    id: str
    requirement: str
    notice: str
    scenarios: Mapping[str, str]
    related: frozenset[str]
    environment: Mapping[str, str]
    is_switch: bool
    waits: bool = False


def load_catalogue(path: Path = CATALOGUE_FILE) -> dict[str, Fault]:
    """Return all faults by id, in the order of the file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.name}: {error}") from error
    lists = content.get("related", {})
    return {fault.id: fault for fault in (_fault(entry, lists, path) for entry in content.get("fault", []))}


def _fault(raw: Mapping[str, object], lists: Mapping[str, list[str]], path: Path) -> Fault:
    try:
        entry = _CatalogueEntry.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise CatalogueError(f"{path.name}: fault {raw.get('id')}: {field}: {first['msg']}") from error
    if not entry.scenarios:
        raise CatalogueError(f"{path.name}: fault {entry.id}: scenarios: no scenario is named that must fail")
    return Fault(
        id=entry.id,
        requirement=entry.requirement,
        notice=entry.notice,
        scenarios=entry.scenarios,
        related=frozenset(_requirements(entry, lists, path)),
        environment=entry.environment,
        is_switch=bool(entry.process or entry.toxics or entry.cut or entry.also),
        waits=entry.waits,
    )


def _requirements(entry: _CatalogueEntry, lists: Mapping[str, list[str]], path: Path) -> Iterator[str]:
    """Yield the requirements that ``related`` names, directly or through a named list."""
    for name in entry.related:
        for requirement in lists.get(name, [name]):
            if not _REQUIREMENT.fullmatch(requirement):
                allowed = ", ".join(["a requirement", *lists])
                raise CatalogueError(f"{path.name}: fault {entry.id}: related: {name}: allowed are {allowed}")
            yield requirement


def chosen(catalogue: Mapping[str, Fault], wanted: list[str]) -> list[Fault]:
    """Return the faults named in ``wanted``, or all of them. Raises :class:`CatalogueError` for an unknown one."""
    for fault_id in wanted:
        if fault_id not in catalogue:
            raise CatalogueError(f"FAULT={fault_id}: no such fault in {CATALOGUE_FILE.name}")
    return [catalogue[fault_id] for fault_id in wanted] if wanted else list(catalogue.values())
