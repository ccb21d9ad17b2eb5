"""The fibre of a site: connected or waited for."""

from __future__ import annotations

from hamcrest import assert_that

from support.checks.matcher import judged
from support.clients.focus_server.client import FocusServerClient
from support.clients.sandbox.control import SandboxControl


class Fibre:
    """Only a sandbox can be told to connect or disconnect it; elsewhere it is as it is."""

    def __init__(self, client: FocusServerClient, control: SandboxControl | None) -> None:
        self._client = client
        self._control = control

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
        self._controlled().set_fibre("waiting")

    def connect(self) -> None:
        self._controlled().set_fibre("connected")

    def _controlled(self) -> SandboxControl:
        if self._control is None:
            raise AssertionError("this environment declares fibre_control but has no control API")
        return self._control
