"""The audit log of all requests, in the form of ``audit.k8s.io/v1`` at level Metadata, with one event per line.

A request with the same user, verb, API group, resource, namespace and decision as one in the last second is left out.
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from environments.sandbox.kubernetes.http.roles import Asked

FILE = "kubernetes-audit.log"
_QUIET_S = 1.0


class AuditLog:
    """Appends events to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._noted_s: dict[tuple[str, ...], float] = {}

    def note(self, user: str, asked: Asked, path: str, allowed: bool) -> None:
        """Write an event, unless the same kind of event was written within the last second."""
        kind, at_s = (user, asked.verb, asked.group, asked.resource, asked.namespace or "", str(allowed)), time.time()
        if at_s - self._noted_s.get(kind, 0.0) < _QUIET_S:
            return
        self._noted_s[kind] = at_s
        with self._file.open("a", encoding="utf-8") as log:
            log.write(json.dumps(_event(user, asked, path, allowed, at_s)) + "\n")


def _event(user: str, asked: Asked, path: str, allowed: bool, at_s: float) -> dict[str, Any]:
    plural, _, subresource = asked.resource.partition("/")
    about = {
        "resource": plural, "namespace": asked.namespace, "name": asked.name, "apiGroup": asked.group,
        "subresource": subresource,
    }  # fmt: skip
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": str(uuid.uuid4()),
        "stage": "RequestReceived", "requestURI": path, "verb": asked.verb, "user": {"username": user},
        "objectRef": {key: value for key, value in about.items() if value},
        "annotations": {"authorization.k8s.io/decision": "allow" if allowed else "forbid"},
        "requestReceivedTimestamp": datetime.fromtimestamp(at_s, UTC).isoformat(timespec="microseconds"),
    }  # fmt: skip
