"""The catalogue of faults (``faults.toml`` as typed, checked entries), the faults in force, and the profiles."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from environments.sandbox.shared.errors import FaultImpossible, UsageError
from environments.sandbox.supervisor.child import ChildProcess

CATALOGUE_FILE = Path(__file__).parents[1] / "faults.toml"
PROCESSES = ("focus_server", "kubernetes", "node", "mongodb", "ssh", "links", "rabbitmq")
_FOR_THE_MATRIX = {"scenarios", "related", "waits"}


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
    toxics: Sequence[Mapping[str, Any]] = ()
    cut: Sequence[str] = ()
    also: Sequence[str] = ()
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
    known = _FOR_THE_MATRIX | {each.name for each in fields(Fault)}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise UsageError(
            f"{source}: fault {name}: unknown field {unknown[0]!r}; allowed are {', '.join(sorted(known))}"
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
    return Fault(**{name: value for name, value in entry.items() if name not in _FOR_THE_MATRIX})


PROFILES = Path(__file__).parents[1] / "profiles"
DEFAULT_PROFILE = "as-required"


@dataclass(frozen=True)
class Profile:
    """``settings`` are assignments as for ``--set``, which overrides them; ``faults`` are ids of the catalogue."""

    settings: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def profile_names() -> list[str]:
    return [DEFAULT_PROFILE, *sorted(path.stem for path in PROFILES.glob("*.toml"))]


def load_profile(name: str, catalogue: Mapping[str, Fault]) -> Profile:
    """Load a profile. ``as-required`` changes nothing; the others are files, which also hold fields for the suite."""
    if name == DEFAULT_PROFILE:
        return Profile()
    if name not in profile_names():
        raise UsageError(f"--profile {name}: no such profile; allowed are {', '.join(profile_names())}")
    content: dict[str, Any] = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
    faults = tuple(dict.fromkeys(fault for defect in content.get("defect", ()) for fault in defect["faults"]))
    for fault in faults:
        if fault not in catalogue:
            raise UsageError(f"--profile {name}: no fault {fault} in faults.toml")
    return Profile(tuple(f"{key}={value}" for key, value in content.get("settings", {}).items()), faults)


class Replaced(NamedTuple):
    """A part replaced by one outside the sandbox: the variable that names it, and the processes and link left out."""

    variable: str
    processes: tuple[str, ...]
    link: str
    title: str


class Faults:
    """The faults in force: ``active``, the ids switched on explicitly, and the faults that these switch on as well."""

    def __init__(self, catalogue: Mapping[str, Fault], active: Iterable[str], replaced: Sequence[Replaced]) -> None:
        self.catalogue = catalogue
        self.active: set[str] = set(active)
        self._replaced = replaced

    def check(self, wanted: Iterable[str]) -> None:
        """Raise :class:`FaultImpossible` for a fault of a replaced part."""
        for fault in self._with_parts(wanted):
            links = {*fault.cut, *(toxic["proxy"] for toxic in fault.toxics)}
            for part in self._replaced:
                if fault.process in part.processes or part.link in links:
                    text = f"belongs to the sandbox's own {part.title}, and {part.variable} puts another in its place"
                    raise FaultImpossible(f"the fault {fault.id} {text}")

    def implemented(self, children: Mapping[str, ChildProcess]) -> dict[str, list[str]]:
        """The faults that each process reports as implemented; a replaced part has none."""
        replaced = {process for part in self._replaced for process in part.processes}
        return {name: child.ready["faults"] for name, child in children.items() if name not in replaced}

    def in_force(self) -> frozenset[str]:
        return with_parts(self.active, self.catalogue)

    def of(self, package: str) -> list[str]:
        return sorted(fault for fault in self.in_force() if self.catalogue[fault].process == package)

    def of_links(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Requests of Toxiproxy's control API that apply the faults to healed links."""
        for fault in self._with_parts(self.active):
            for toxic in fault.toxics:
                body = {key: value for key, value in toxic.items() if key != "proxy"}
                yield "POST", f"/proxies/{toxic['proxy']}/toxics", body
            for proxy in fault.cut:
                yield "POST", f"/proxies/{proxy}", {"enabled": False}

    def _with_parts(self, wanted: Iterable[str]) -> list[Fault]:
        return [self.catalogue[fault_id] for fault_id in sorted(with_parts(wanted, self.catalogue))]
