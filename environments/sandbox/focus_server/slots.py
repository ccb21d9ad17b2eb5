"""Slots and serials: the job id of the next investigation."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from environments.sandbox.focus_server.hooks import hook
from environments.sandbox.focus_server.manifests import JobId
from environments.sandbox.focus_server.refusals import CannotOpen

FIRST_SERIAL = 1600
SERIALS_PER_START = 1000


class View(Protocol):
    """The known state of the investigations' objects in the cluster."""

    def busy_slots(self) -> set[int]:
        """Slots with at least one existing object."""

    def services_without_job(self) -> int:
        """The number of services that occupy a port without use."""


class Serials:
    """A number that only grows, even across restarts: each start continues in a block that no earlier one has used."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last = int(file.read_text()) if file.exists() else FIRST_SERIAL
        self._reserved = self._last
        self._reserve()

    @property
    def last(self) -> int:
        return self._last

    @hook("serial.next")
    def next(self) -> int:
        self._last += 1
        if self._last >= self._reserved:
            self._reserve()
        return self._last

    def _reserve(self) -> None:
        self._reserved = self._last + SERIALS_PER_START
        self._file.write_text(str(self._reserved))


class Slots:
    """Assigns the lowest free slot. :meth:`reserve` contains no await, so 200 simultaneous requests get different
    ones."""

    def __init__(self, first_port: int, last_port: int, view: View, serials: Serials) -> None:
        self._first_port, self._last_port = first_port, last_port
        self._view, self._serials = view, serials
        self._opening: set[int] = set()

    def port(self, slot: int) -> int:
        """The stream port of a slot."""
        return self._first_port - 1 + slot

    @hook("slot.reserve")
    def reserve(self, occupied: Collection[int]) -> JobId:
        """Reserve the next job id; ``occupied`` are slots whose port was found to be taken."""
        busy = self.unusable() | set(occupied)
        for slot in range(1, self._last_port - self._first_port + 2):
            if slot not in busy:
                self._opening.add(slot)
                return JobId(slot, self._serials.next())
        ports = f"{self._first_port}-{self._last_port}"
        amount = self._last_port - self._first_port + 1
        leaked = self._view.services_without_job()
        whose = f", {leaked} of them by services whose job is gone" if leaked else ""
        raise CannotOpen(f"no free stream port: all {amount} ports {ports} are in use{whose}")

    def settle(self, job_id: JobId) -> None:
        """End an opening: from now on the objects in the cluster hold the slot, or nothing does."""
        self._opening.discard(job_id.slot)

    def unusable(self) -> set[int]:
        return self._view.busy_slots() | self._opening
