"""The status of a pod as the kubelet reports it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from environments.sandbox.shared.kubernetes_client import Object

_COMPLETED, _ERROR = "Completed", "Error"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class ContainerState:
    """One container as the kubelet sees it."""

    name: str
    image: str
    pod_uid: str
    state: Object = field(default_factory=lambda: waiting("ContainerCreating"))
    last_state: Object = field(default_factory=dict)
    restarts: int = 0

    @property
    def exit_code(self) -> int | None:
        code: int | None = self.state.get("terminated", {}).get("exitCode")
        return code

    def started(self) -> None:
        self.state = {"running": {"startedAt": now()}}

    def ended(self, exit_code: int) -> None:
        began = self.state["running"]["startedAt"]
        self.state = {
            "terminated": {
                "exitCode": exit_code, "reason": _ERROR if exit_code else _COMPLETED, "startedAt": began,
                "finishedAt": now(), "containerID": self._id,
            }
        }  # fmt: skip

    def starting_again(self) -> None:
        """Record that the next :meth:`started` is a restart."""
        self.last_state = self.state
        self.restarts += 1

    def backing_off(self, message: str) -> None:
        self.starting_again()
        self.state = waiting("CrashLoopBackOff", message)

    def report(self) -> Object:
        running = "running" in self.state
        known = running or "terminated" in self.state or self.restarts > 0
        return {
            "name": self.name, "image": self.image, "state": self.state, "lastState": self.last_state,
            "restartCount": self.restarts, "ready": running, "started": running,
            "imageID": f"{self.image.partition(':')[0]}@sha256:{_digest(self.image)}" if known else "",
            **({"containerID": self._id} if known else {}),
        }  # fmt: skip

    @property
    def _id(self) -> str:
        return f"containerd://{_digest(self.pod_uid + self.name + str(self.restarts))}"


def waiting(reason: str, message: str | None = None) -> Object:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def pod_status(
    pod: Mapping[str, Any], containers: Sequence[ContainerState], phase: str, host_address: str, address: str | None,
    started: str,
) -> Object:  # fmt: skip
    """Return the fields of ``status`` that the kubelet owns, keeping the conditions that the scheduler wrote."""
    running = phase == "Running" and all("running" in each.state for each in containers)
    names = ", ".join(each.name for each in containers)
    if running:
        unready: Object = {}
    elif phase == "Succeeded":
        unready = {"reason": "PodCompleted"}
    elif phase == "Failed":
        unready = {"reason": "PodFailed"}
    else:
        unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{names}]"}
    values = {
        "PodReadyToStartContainers": (address is not None and phase in ("Pending", "Running"), {}),
        "Initialized": (True, {"reason": "PodCompleted"} if phase == "Succeeded" else {}),
        "Ready": (running, unready),
        "ContainersReady": (running, unready),
    }
    status: Object = {
        "phase": phase, "hostIP": host_address, "hostIPs": [{"ip": host_address}], "startTime": started,
        "conditions": _conditions(pod, values), "containerStatuses": [each.report() for each in containers],
    }  # fmt: skip
    if address is not None:
        status.update(podIP=address, podIPs=[{"ip": address}])
    return status


def _conditions(pod: Mapping[str, Any], values: Mapping[str, tuple[bool, Object]]) -> list[Object]:
    before = {each["type"]: each for each in pod.get("status", {}).get("conditions", ())}
    conditions = []
    for kind, (value, why) in values.items():
        old = before.pop(kind, {})
        time = old["lastTransitionTime"] if old.get("status") == str(value) else now()
        conditions.append({
            "type": kind, "status": str(value), "lastProbeTime": None, "lastTransitionTime": time, **why,
        })  # fmt: skip
    return [*conditions, *before.values()]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
