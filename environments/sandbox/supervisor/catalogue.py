"""The faults the sandbox can be given: ``faults.toml`` as typed entries."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments.sandbox.shared.errors import UsageError

CATALOGUE_FILE = Path(__file__).parents[1] / "faults.toml"
_FOR_THE_MATRIX = {"scenarios", "related", "waits"}


@dataclass(frozen=True)
class Fault:
    """One way the estate can break a requirement.

    ``process`` names the process that implements it; ``toxics`` and ``cut`` act on the links instead, ``environment``
    on the suite's own configuration; ``also`` names faults that it switches on as well. What the matrix makes of
    ``scenarios``, ``related`` and ``waits`` is its business.
    """

    id: str
    requirement: str
    notice: str
    process: str | None = None
    toxics: Sequence[Mapping[str, Any]] = ()
    cut: Sequence[str] = ()
    also: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def load_catalogue(path: Path = CATALOGUE_FILE) -> dict[str, Fault]:
    """Every fault by id, the prepared ones too. The file is a part of this program: tests hold it well-formed."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return {entry["id"]: _fault(entry) for entry in [*content["fault"], *content.get("prepared", [])]}


def check_implemented(catalogue: Mapping[str, Fault], implemented: Mapping[str, Collection[str]]) -> None:
    """:class:`UsageError` unless each of these processes implements exactly the faults the catalogue expects of it."""
    for process, ids in implemented.items():
        listed = {fault.id for fault in catalogue.values() if fault.process == process}
        for fault_id in sorted(listed - set(ids)):
            raise UsageError(f"{CATALOGUE_FILE.name}: fault {fault_id}: the process {process} does not implement it")
        for fault_id in sorted(set(ids) - listed):
            problem = f"the process {process} implements it, and it is not listed as a fault of {process}"
            raise UsageError(f"{CATALOGUE_FILE.name}: fault {fault_id}: {problem}")


def with_parts(active: Iterable[str], catalogue: Mapping[str, Fault]) -> frozenset[str]:
    """These faults and all that they switch on as well."""
    found: set[str] = set()
    waiting = list(active)
    while waiting:
        fault = waiting.pop()
        if fault not in found:
            found.add(fault)
            waiting += catalogue[fault].also
    return frozenset(found)


def _fault(entry: Mapping[str, Any]) -> Fault:
    return Fault(**{field: value for field, value in entry.items() if field not in _FOR_THE_MATRIX})
