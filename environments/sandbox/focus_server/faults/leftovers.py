"""Faults: investigations that leave something behind when they are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.focus_server import manifests
from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.kubernetes import KubernetesRefused
from environments.sandbox.focus_server.manifests import Investigation
from environments.sandbox.focus_server.opening import Opener
from environments.sandbox.focus_server.schema import ConfigureRequest

LOADED_FROM_JOBS, LEFT_EACH = 45, 7
IN_FLIGHT_S = 0.1
"""The time after the end of the clean-up job in which a deletion that it requested may still be in progress."""


@dataclass
class Openings:
    """The previous openings, as a fault that leaves something behind remembers them."""

    started: int = 0
    is_loaded: bool = False
    leaving: list[asyncio.Task[None]] = field(default_factory=list)

    def is_one_in_seven(self, opener: Opener) -> bool:
        self.started += 1
        return self.started % LEFT_EACH == 0

    def is_first_among_many(self, opener: Opener) -> bool:
        """Whether this is the first opening of a load to find many others."""
        was_loaded, self.is_loaded = self.is_loaded, len(opener.view.job_ids()) >= LOADED_FROM_JOBS
        return self.is_loaded and not was_loaded


def _leaving(leaves: Callable[[Openings, Opener], bool]) -> Any:
    async def start(openings: Openings, proceed: Proceed, opener: Opener, request: ConfigureRequest) -> Any:
        investigation = await proceed(opener, request)
        if leaves(openings, opener):
            openings.leaving.append(asyncio.create_task(_leave_behind(opener, investigation)))
        return investigation

    return start


fault("leftovers-now-and-then", at="opening.start", memory=Openings)(_leaving(Openings.is_one_in_seven))
fault("leftovers-after-load", at="opening.start", memory=Openings)(_leaving(Openings.is_first_among_many))


async def _leave_behind(opener: Opener, investigation: Investigation) -> None:
    """Create the service of an investigation again, once all its objects have existed and are gone. The clean-up job,
    which would delete the service once more, is gone by then too."""
    names = (investigation.job_name, investigation.service_name, investigation.cleanup_name)
    while not all(map(opener.view.exists, names)):
        await asyncio.sleep(0.02)
    while any(map(opener.view.exists, names)):
        await asyncio.sleep(0.02)
    await asyncio.sleep(IN_FLIGHT_S)
    while True:
        try:
            await opener.create(manifests.service(investigation))
            return
        except KubernetesRefused:  # its port already belongs to the next investigation
            await asyncio.sleep(0.02)
