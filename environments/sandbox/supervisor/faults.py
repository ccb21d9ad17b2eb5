"""The faults that are on in a sandbox: of which process, with which toxics, and those that it cannot be given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from environments.sandbox.shared.errors import FaultImpossible
from environments.sandbox.supervisor.catalogue import Fault, with_parts
from environments.sandbox.supervisor.child import ChildProcess


class Replaced(NamedTuple):
    """A part that is not ours: the variable that names another one, whose processes and link are not there then."""

    variable: str
    processes: tuple[str, ...]
    link: str
    title: str


class Faults:
    """``active`` are the ids that somebody has switched on; what these switch on as well is in force with them."""

    def __init__(self, catalogue: Mapping[str, Fault], active: Iterable[str], replaced: Sequence[Replaced]) -> None:
        self.catalogue = catalogue
        self.active: set[str] = set(active)
        self._replaced = replaced

    def check(self, wanted: Iterable[str]) -> None:
        """:class:`FaultImpossible` for one that belongs to a part which is not ours."""
        for fault in self._with_parts(wanted):
            links = {*fault.cut, *(toxic["proxy"] for toxic in fault.toxics)}
            for part in self._replaced:
                if fault.process in part.processes or part.link in links:
                    text = f"belongs to the sandbox's own {part.title}, and {part.variable} puts another in its place"
                    raise FaultImpossible(f"the fault {fault.id} {text}")

    def implemented(self, children: Mapping[str, ChildProcess]) -> dict[str, list[str]]:
        """The faults of each process by its own word; a part that is not ours has none."""
        replaced = {process for part in self._replaced for process in part.processes}
        return {name: child.ready["faults"] for name, child in children.items() if name not in replaced}

    def in_force(self) -> frozenset[str]:
        return with_parts(self.active, self.catalogue)

    def of(self, package: str) -> list[str]:
        return sorted(fault for fault in self.in_force() if self.catalogue[fault].process == package)

    def of_links(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Requests of Toxiproxy's control API that put them on links which are healed."""
        for fault in self._with_parts(self.active):
            for toxic in fault.toxics:
                body = {key: value for key, value in toxic.items() if key != "proxy"}
                yield "POST", f"/proxies/{toxic['proxy']}/toxics", body
            for proxy in fault.cut:
                yield "POST", f"/proxies/{proxy}", {"enabled": False}

    def _with_parts(self, wanted: Iterable[str]) -> list[Fault]:
        return [self.catalogue[fault_id] for fault_id in sorted(with_parts(wanted, self.catalogue))]
