"""The fibre of a site: connected or waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hamcrest import assert_that

from support.checks.matcher import judged
from support.clients.change_journal import Changes
from support.clients.focus_server.client import FocusServerClient
from support.clients.sandbox.control import SandboxControl

FIBRE = "fibre"


class Fibre:
    """Only a sandbox can be told to connect or disconnect it; elsewhere it is as it is."""

    def __init__(self, client: FocusServerClient, control: SandboxControl | None, changes: Changes) -> None:
        self._client = client
        self._control = control
        self._changes = changes

    def assert_connected(self) -> None:
        """The live metadata tell a pulse rate: the reliable sign of a connected fibre (docs/facts/mongodb.md 6)."""
        metadata = self._client.live_metadata().json()
        assert_that(
            metadata,
            judged(
                "live metadata with a pulse rate above 0",
                lambda seen: None if seen.get("prr", 0) > 0 else f"no fibre is connected: prr is {seen.get('prr')!r}",
            ),
        )

    def disconnect(self) -> None:
        """Until the end of the scenario, or until it is connected again: where fibre is declared, it is connected."""
        control = self._controlled()
        self._changes.begin(FIBRE, "the fibre is disconnected")
        control.set_fibre("waiting")

    def connect(self) -> None:
        self._controlled().set_fibre("connected")

    def put_back(self, undo: Mapping[str, Any]) -> None:
        self.connect()

    def _controlled(self) -> SandboxControl:
        if self._control is None:
            raise AssertionError("this environment declares fibre_control but has no control API")
        return self._control
