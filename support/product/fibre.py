"""The fibre of a site: connected or waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.clients.change_journal import Changes
from support.clients.focus_server.client import FocusServerClient
from support.clients.sandbox.control import SandboxControl

FIBRE = "fibre"
NOT_FOUND = 404


class Fibre:
    """Fibre of the environment. Only a sandbox can connect or disconnect it; elsewhere it stays as it is."""

    def __init__(self, client: FocusServerClient, control: SandboxControl | None, changes: Changes) -> None:
        self._client = client
        self._control = control
        self._changes = changes

    def metadata(self) -> Mapping[str, Any]:
        """Return the live metadata that the server answers now.

        Empty while it answers 404, one of the two ways to report a missing fibre (docs/facts/focus-server.md 3.3).
        """
        answer = self._client.live_metadata()
        return {} if answer.status == NOT_FOUND else answer.json()

    def disconnect(self) -> None:
        """Disconnect the fibre until the end of the scenario, or until it is connected again. Where a fibre is
        declared, it is connected."""
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
