"""The catalogue of faults of the sandbox: ``faults.toml`` as typed, checked entries."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments.sandbox.shared.errors import UsageError

CATALOGUE_FILE = Path(__file__).parents[1] / "faults.toml"
PROCESSES = ("focus_server", "kubernetes", "node", "mongodb", "ssh", "links", "rabbitmq")
_FOR_THE_SANDBOX = {"id", "requirement", "notice", "process", "toxics", "cut", "environment", "also"}
_FOR_THE_MATRIX = {"scenarios", "related", "waits"}
_FIELDS = _FOR_THE_SANDBOX | _FOR_THE_MATRIX


@dataclass(frozen=True)
class Fault:
    """One way the estate can break a requirement.

    ``process`` names the process that implements it. ``toxics`` and ``cut`` act on the links instead, ``environment``
    on the suite's own configuration. ``also`` names faults that it switches on as well. ``scenarios``, ``related`` and
    ``waits`` are only for the fault matrix.
    """

    id: str
    requirement: str
    notice: str
    process: str | None = None
    toxics: tuple[Mapping[str, Any], ...] = ()
    cut: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def load_catalogue(path: Path = CATALOGUE_FILE) -> dict[str, Fault]:
    """Load all faults by id, the prepared ones included; :class:`UsageError` names the entry that is wrong."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    catalogue: dict[str, Fault] = {}
    for entry in [*content["fault"], *content.get("prepared", [])]:
        fault = _fault(entry, path.name)
        if fault.id in catalogue:
            raise UsageError(f"{path.name}: fault {fault.id} stands twice")
        catalogue[fault.id] = fault
    for fault in catalogue.values():
        unknown = sorted(set(fault.also) - catalogue.keys())
        if unknown:
            raise UsageError(f"{path.name}: fault {fault.id}: also: no fault {unknown[0]!r} in the catalogue")
    return catalogue


def check_implemented(catalogue: Mapping[str, Fault], implemented: Mapping[str, Collection[str]]) -> None:
    """Raise :class:`UsageError` unless each process implements exactly the faults that the catalogue assigns to it."""
    for process, ids in implemented.items():
        listed = {fault.id for fault in catalogue.values() if fault.process == process}
        for fault_id in sorted(listed - set(ids)):
            raise UsageError(f"{CATALOGUE_FILE.name}: fault {fault_id}: the process {process} does not implement it")
        for fault_id in sorted(set(ids) - listed):
            problem = f"the process {process} implements it, and it is not listed as a fault of {process}"
            raise UsageError(f"{CATALOGUE_FILE.name}: fault {fault_id}: {problem}")


def with_parts(active: Iterable[str], catalogue: Mapping[str, Fault]) -> frozenset[str]:
    """These faults and all faults that they switch on as well."""
    found: set[str] = set()
    waiting = list(active)
    while waiting:
        fault = waiting.pop()
        if fault not in found:
            found.add(fault)
            waiting += catalogue[fault].also
    return frozenset(found)


def _fault(entry: Mapping[str, Any], source: str) -> Fault:
    name = entry.get("id", "without id")
    unknown = sorted(set(entry) - _FIELDS)
    if unknown:
        raise UsageError(
            f"{source}: fault {name}: unknown field {unknown[0]!r}; allowed are {', '.join(sorted(_FIELDS))}"
        )
    missing = sorted({"id", "requirement", "notice"} - set(entry))
    if missing:
        raise UsageError(f"{source}: fault {name}: field {missing[0]!r} is missing")
    process = entry.get("process")
    if process is not None and process not in PROCESSES:
        raise UsageError(f"{source}: fault {name}: process {process!r}; allowed are {', '.join(PROCESSES)}")
    if process is None and not any(key in entry for key in ("toxics", "cut", "environment", "also")):
        raise UsageError(
            f"{source}: fault {name}: says neither process nor toxics, cut, also or environment: nothing would happen"
        )
    return Fault(
        id=name,
        requirement=entry["requirement"],
        notice=entry["notice"],
        process=process,
        toxics=tuple(entry.get("toxics", ())),
        cut=tuple(entry.get("cut", ())),
        also=tuple(entry.get("also", ())),
        environment=dict(entry.get("environment", {})),
    )
