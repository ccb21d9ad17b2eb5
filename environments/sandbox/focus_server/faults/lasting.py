"""A server that is slow, that is not after a load what it was before, and that wears out over time."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any

from environments.sandbox.focus_server.faults.straining import StrainedService
from environments.sandbox.focus_server.refusals import CannotOpen

SLOW_S = 0.55
SLOWER_S = 0.12
"""Above what an opening takes here, and below every limit."""
LOADED_FROM_JOBS = 100
WEAR_S = 0.04
HEAVY_NFFT = 2048
ENDS_AT, FAILS_EACH = 6, 4
ENDED = 1


class LastingService(StrainedService):
    """Counts its openings while a fault wants it to."""

    def __init__(self, *parts: Any, active: Any) -> None:
        super().__init__(*parts, active=active)
        self._was_loaded = False
        self._openings = 0

    async def configure(self, body: bytes) -> Mapping[str, Any]:
        await asyncio.sleep(self._extra_s())  # before anything is started: no job waits for its client meanwhile
        answer = await super().configure(body)
        self._note_load()
        return answer

    async def opened(self, body: bytes) -> Mapping[str, Any]:
        wears = any(map(self._active, ("slower-with-every-job", "ends-now-and-then", "every-fourth-opening-fails")))
        self._openings = self._openings + 1 if wears else 0
        if self._active("ends-now-and-then") and self._openings >= ENDS_AT:
            os._exit(ENDED)
        if self._active("every-fourth-opening-fails") and self._openings % FAILS_EACH == 0:
            raise CannotOpen("another opening has not ended")
        if self._active("heavy-configurations-refused") and _is_heavy(body):
            raise CannotOpen("the transform does not fit into the memory of the graphics card")
        return await super().opened(body)

    def _note_load(self) -> int:
        """How many jobs are open; that there were many is remembered while a fault wants it to."""
        open_jobs = self._open_jobs()
        self._was_loaded = (self._was_loaded or open_jobs >= LOADED_FROM_JOBS) and self._active("slow-after-load")
        return open_jobs

    def _extra_s(self) -> float:
        """How much longer than needed an opening takes."""
        open_jobs = self._note_load()
        extra_s = self._openings * WEAR_S if self._active("slower-with-every-job") else 0.0
        if self._active("openings-slow") or (self._was_loaded and open_jobs < LOADED_FROM_JOBS):
            extra_s += SLOW_S
        if self._active("openings-slower-than-before"):
            extra_s += SLOWER_S
        return extra_s


def _is_heavy(body: bytes) -> bool:
    try:
        return int(json.loads(body)["nfftSelection"]) >= HEAVY_NFFT
    except (ValueError, KeyError, TypeError):
        return False
