"""Faults that change objects that no other controller changes: a node, a claim, the Focus Server's pod and service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from environments.sandbox.kubernetes.controllers import shortages
from environments.sandbox.kubernetes.controllers.meta import GPU, Key, Object, is_leaving, key_of, set_condition
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.controllers.seed_workloads import (
    FOCUS_SERVER,
    FOCUS_SERVER_PORT,
    NAMES,
    STORAGE_CLAIM,
)
from environments.sandbox.kubernetes.controllers.shortages import offers_everything, offers_less
from environments.sandbox.kubernetes.store.object_store import Change
from environments.sandbox.kubernetes.store.objects import dig

_LOST_NODE = "worker-node-1"
_WRONG_PORT = 5001
_MANY_RESTARTS = 7
_FIRST_POD = NAMES[FOCUS_SERVER][1]
_NOT_READY = "node.kubernetes.io/not-ready"


@dataclass(frozen=True)
class Effect:
    """The effect of one fault on the objects it concerns, and the function that reverts it."""

    plural: str
    concerns: Callable[[Object], bool]
    apply: Callable[[Object], None]
    undo: Callable[[Object], None]


class FaultEffects(Controller):
    """Reapplies the effects of active faults after every write to the objects. A key is a fault and an object's key."""

    watches = frozenset({"nodes", "persistentvolumeclaims", "pods", "services"})

    def changed(self, change: Change) -> Iterable[Key]:
        if change.type == "DELETED":
            return
        for fault, effects in EFFECTS.items():
            if self.process.fault(fault) and any(_concerns(effect, change) for effect in effects):
                yield _pack(fault, change.plural, change.object)

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        for fault in (switched_on | switched_off) & EFFECTS.keys():
            for effect in EFFECTS[fault]:
                found = (obj for obj in self.store.list(effect.plural) if effect.concerns(obj))
                yield from (_pack(fault, effect.plural, obj) for obj in found)

    def reconcile(self, key: Key) -> None:
        fault, (plural, namespace, name) = key[0], key[1].split("/")
        effect = next(each for each in EFFECTS[fault] if each.plural == plural)
        found = self.store.find(plural, name, namespace)
        if found is not None and not is_leaving(found):
            change = effect.apply if self.process.fault(fault) else effect.undo
            self.store.mutate(plural, name, namespace, change)


def _pack(fault: str, plural: str, obj: Object) -> Key:
    return (fault, "/".join((plural, *key_of(obj))))


def _concerns(effect: Effect, change: Change) -> bool:
    return effect.plural == change.plural and effect.concerns(change.object)


def _is_worker(node: Object) -> bool:
    return GPU in node["status"]["capacity"]


def _named(name: str) -> Callable[[Object], bool]:
    return lambda obj: bool(obj["metadata"]["name"] == name)


def _is_focus_pod(pod: Object) -> bool:
    return bool(pod["metadata"].get("labels", {}).get("app.kubernetes.io/name") == FOCUS_SERVER)


def _is_replaced_focus_pod(pod: Object) -> bool:
    return _is_focus_pod(pod) and not pod["metadata"]["name"].endswith(_FIRST_POD)


def _set_claim(phase: str) -> Callable[[Object], None]:
    return lambda claim: claim["status"].update(phase=phase)


def _node_down(node: Object) -> None:
    set_condition(
        node["status"], "Ready", "False", "KubeletNotReady",
        "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady",
    )  # fmt: skip
    shortages.taint(node, _NOT_READY, "NoSchedule")


def _node_up(node: Object) -> None:
    shortages.set_ready(node)
    shortages.taint(node, _NOT_READY)


def _set_restarts(count: int) -> Callable[[Object], None]:
    def change(pod: Object) -> None:
        for status in dig(pod, "status", "containerStatuses", default=()):
            status["restartCount"] = count

    return change


def _set_ready(ready: bool) -> Callable[[Object], None]:
    def change(pod: Object) -> None:
        if dig(pod, "status", "phase") != "Running":
            return
        for status in dig(pod, "status", "containerStatuses", default=()):
            status["ready"] = ready
        reason = () if ready else ("ContainersNotReady", "containers with unready status: [focus-server]")
        for kind in ("Ready", "ContainersReady"):
            set_condition(pod["status"], kind, str(ready), *reason)

    return change


def _set_port(port: int) -> Callable[[Object], None]:
    return lambda service: service["spec"]["ports"][0].update(port=port)


EFFECTS: dict[str, tuple[Effect, ...]] = {
    "storage-not-bound": (
        Effect("persistentvolumeclaims", _named(STORAGE_CLAIM), _set_claim("Lost"), _set_claim("Bound")),
    ),
    "node-not-ready": (Effect("nodes", _named(_LOST_NODE), _node_down, _node_up),),
    "node-unreachable": (
        Effect("nodes", _named(shortages.UNREACHABLE_NODE), shortages.node_lost, shortages.node_found),
        Effect("pods", shortages.is_job_pod_of_lost_node, shortages.pod_unknown, shortages.pod_known),
    ),
    "focus-server-restarted-often": (Effect("pods", _is_focus_pod, _set_restarts(_MANY_RESTARTS), _set_restarts(0)),),
    "restarts-while-starting": (Effect("pods", _is_replaced_focus_pod, _set_restarts(1), _set_restarts(0)),),
    "focus-pod-not-ready": (Effect("pods", _is_focus_pod, _set_ready(False), _set_ready(True)),),
    "focus-service-wrong-port": (
        Effect("services", _named(FOCUS_SERVER), _set_port(_WRONG_PORT), _set_port(FOCUS_SERVER_PORT)),
    ),
    **{
        fault: (Effect("nodes", _is_worker, offers_less(resource, left), offers_everything(resource)),)
        for fault, (resource, left) in shortages.NODE_SHORTAGES.items()
    },
}
"""A fault has at most one effect on a kind."""
