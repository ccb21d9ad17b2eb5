"""The faults in force in a sandbox, for processes and for links, and the check for faults that it cannot have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from environments.sandbox.shared.errors import FaultImpossible
from environments.sandbox.supervisor.catalogue import Fault, with_parts
from environments.sandbox.supervisor.child import ChildProcess


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
