"""Connections between the server and MongoDB that exist but do not work: only the links of a sandbox can do that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.clients.change_journal import Change, Changes
from support.clients.sandbox.control import SandboxControl

DISTURBED = "disturbed_link"
LINK = "focus-server-mongodb"
_TOO_LATE_MS = 20_000
_BOTH_WAYS = ("upstream", "downstream")

Toxic = Mapping[str, Any]


def _toxic(kind: str, stream: str, **attributes: int) -> Toxic:
    return {"name": f"focus-acceptance-{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes}


@dataclass(frozen=True)
class Disturbance:
    """Its name in the features, and the toxics of Toxiproxy that cause it."""

    words: str
    toxics: tuple[Toxic, ...]


DISTURBANCES: Mapping[str, Disturbance] = {
    one.words: one
    for one in (
        Disturbance("every answer comes too late", (_toxic("latency", "downstream", latency=_TOO_LATE_MS),)),
        Disturbance("nothing gets through", tuple(_toxic("timeout", stream, timeout=0) for stream in _BOTH_WAYS)),
        Disturbance("the answers are lost", (_toxic("timeout", "downstream", timeout=0),)),
        Disturbance(
            "every connection is broken", tuple(_toxic("reset_peer", stream, timeout=0) for stream in _BOTH_WAYS)
        ),
    )
}


class Links:
    """Disturbs the link; needs the control API of a sandbox."""

    def __init__(self, control: SandboxControl | None, changes: Changes) -> None:
        self._control = control
        self._changes = changes

    def disturb(self, disturbance: Disturbance) -> Change:
        """Disturb the link, and check that the disturbance is in force."""
        names = [toxic["name"] for toxic in disturbance.toxics]
        change = self._changes.begin(DISTURBED, f"between the server and MongoDB, {disturbance.words}", toxics=names)
        for toxic in disturbance.toxics:
            self._controlled.add_toxic(LINK, toxic)
        missing = set(names) - self._controlled.toxics(LINK)
        if missing:
            raise AssertionError(f"the link {LINK} is not disturbed by {', '.join(sorted(missing))}")
        return change

    def calm(self, undo: Mapping[str, Any]) -> None:
        """Remove the disturbance, and check that nothing remains."""
        for name in set(undo["toxics"]) & self._controlled.toxics(LINK):
            self._controlled.remove_toxic(LINK, name)
        left = set(undo["toxics"]) & self._controlled.toxics(LINK)
        if left:
            raise AssertionError(f"the link {LINK} is still disturbed by {', '.join(sorted(left))}")

    @property
    def _controlled(self) -> SandboxControl:
        if self._control is None:
            raise AssertionError("this environment declares link_control but has no control API")
        return self._control
