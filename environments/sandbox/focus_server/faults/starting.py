"""Starts that take too long, go wrong, or keep silent about what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.starting import Startup

TOO_LONG_S = 300.0
ERRORS = (
    "autocfg: parameter file components/focus_server.yaml failed to load: KeyError: 'livefs_forwarder'",
    "heat map summary is not available: ModuleNotFoundError: No module named 'pz.microservices.sv_modules'",
)


class FaultyStartup(Startup):
    """``scaled`` turns seconds of the real system into those of the sandbox."""

    def __init__(self, *parts: Any, active: Active, scaled: Callable[[float], float]) -> None:
        super().__init__(*parts)
        self._active, self._scaled = active, scaled

    async def load(self, data: Mapping[str, str]) -> str | None:
        if self._active("log-full-of-errors-at-start"):
            for error in ERRORS:
                self.log.error("%s", error)
        if self._active("start-takes-too-long"):
            await asyncio.sleep(self._scaled(TOO_LONG_S))
        return await super().load(data)

    def report(self, problem: str) -> None:
        if not self._active("broken-configuration-not-said"):
            super().report(problem)
