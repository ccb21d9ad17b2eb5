"""The control API of the embedded sandbox, for actions that only a sandbox offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from support.clients.deadline import Deadline, session, watched
from support.config.models import Control

_TIMEOUT_S = 30.0


class SandboxControl:
    """A client of ``control.url`` of the run file. It sends ``control.token`` if there is one."""

    def __init__(self, control: Control) -> None:
        self._url = control.url
        self._session = session()
        if control.token is not None:
            self._session.headers["Authorization"] = f"Bearer {control.token.get_secret_value()}"

    def close(self) -> None:
        self._session.close()

    def state(self) -> dict[str, Any]:
        return dict(self._call("GET", "/state").json())

    def reset(self) -> None:
        self._call("POST", "/reset")

    def switch_on(self, fault_id: str) -> None:
        self._call("PUT", f"/faults/{fault_id}")

    def set_fibre(self, state: str) -> None:
        """Set the fibre to ``connected`` or ``waiting`` before returning. Raises :class:`ControlError`."""
        now = self._call("POST", "/fibre", {"state": state}).json()
        if now != {"state": state}:
            raise ControlError(f"the sandbox was told that the fibre is {state}, and answered {now}")

    def toxics(self, link: str) -> set[str]:
        """Return the names of the toxics of a link."""
        return {str(toxic["name"]) for toxic in self._call("GET", f"/proxies/{link}/toxics").json()}

    def add_toxic(self, link: str, toxic: Mapping[str, Any]) -> None:
        """Disturb a link. ``toxic`` has the form of Toxiproxy's control API."""
        self._call("POST", f"/proxies/{link}/toxics", dict(toxic))

    def remove_toxic(self, link: str, name: str) -> None:
        self._call("DELETE", f"/proxies/{link}/toxics/{name}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        try:
            with watched(Deadline(_TIMEOUT_S, _TIMEOUT_S)):
                answer = self._session.request(method, self._url + path, json=body, timeout=_TIMEOUT_S)
        except (requests.RequestException, TimeoutError) as error:
            raise ControlError(f"the sandbox did not answer {method} {path}: {error}") from error
        if not answer.ok:
            raise ControlError(f"the sandbox refused {method} {path}: {answer.status_code} {answer.text}")
        return answer


class ControlError(Exception):
    """The sandbox did not carry out a request. The message is one sentence."""
