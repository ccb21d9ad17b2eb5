"""The deployment controller: one replica set for each pod template; only the current one keeps replicas."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import (
    Key,
    Object,
    controller_of,
    is_leaving,
    key_of,
    owned,
    owner_reference,
    set_condition,
)
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store.object_store import Change
from environments.sandbox.kubernetes.store.objects import clone, dig

COMPONENT = "deployment-controller"
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_HASH_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Deployments(Controller):
    """Rolls out by starting the new pods first or, with strategy Recreate, by ending the old ones first."""

    watches = frozenset({"deployments", "replicasets"})

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural == "deployments":
            return (key_of(change.object),)
        owner = controller_of(change.object, "Deployment")
        return () if owner is None else (owner[0],)

    def reconcile(self, key: Key) -> None:
        deployment = self.store.find("deployments", key[1], key[0])
        if deployment is None or is_leaving(deployment):
            return
        sets = owned(self.store, "replicasets", deployment)
        current = next((each for each in sets if _same_template(each, deployment)), None)
        if current is None:
            current = self._create(deployment, len(sets) + 1)
        old = [each for each in sets if each["metadata"]["uid"] != current["metadata"]["uid"]]
        wanted = deployment["spec"]["replicas"]
        if dig(deployment, "spec", "strategy", "type") == "Recreate":
            self._scale_all(deployment, old, 0)
            if not any(dig(each, "status", "replicas", default=0) for each in old):
                self._scale_all(deployment, [current], wanted)
        else:
            self._scale_all(deployment, [current], wanted)
            if dig(current, "status", "availableReplicas", default=0) >= wanted:
                self._scale_all(deployment, old, 0)
        self._write_status(deployment, current["metadata"]["uid"])

    def _create(self, deployment: Object, revision: int) -> Object:
        template = clone(deployment["spec"]["template"])
        own_hash = template_hash(template)
        template["metadata"].setdefault("labels", {})[HASH_LABEL] = own_hash
        namespace, name = key_of(deployment)
        new = replica_set(deployment, f"{name}-{own_hash}", template, revision, replicas=0)
        return self.store.create("replicasets", new, namespace)

    def _scale_all(self, deployment: Object, sets: list[Object], replicas: int) -> None:
        for each in sets:
            before = each["spec"]["replicas"]
            if before == replicas:
                continue
            namespace, name = key_of(each)
            self.store.mutate("replicasets", name, namespace, lambda new: new["spec"].update(replicas=replicas))
            direction = "up" if replicas > before else "down"
            message = f"Scaled {direction} replica set {name} from {before} to {replicas}"
            self.recorder.normal(COMPONENT, "deployments", deployment, "ScalingReplicaSet", message)

    def _write_status(self, deployment: Object, current_uid: str) -> None:
        sets = owned(self.store, "replicasets", deployment)
        current = next(each for each in sets if each["metadata"]["uid"] == current_uid)
        wanted = deployment["spec"]["replicas"]
        total = sum(dig(each, "status", "replicas", default=0) for each in sets)
        ready = sum(dig(each, "status", "readyReplicas", default=0) for each in sets)
        counts = {
            "replicas": total,
            "updatedReplicas": dig(current, "status", "replicas", default=0),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, wanted - ready),
        }
        status: Object = {name: count for name, count in counts.items() if count}
        status["observedGeneration"] = deployment["metadata"]["generation"]
        status["conditions"] = clone(dig(deployment, "status", "conditions", default=[]))
        if ready >= wanted:
            message = "Deployment has minimum availability."
            set_condition(status, "Available", "True", "MinimumReplicasAvailable", message)
        else:
            message = "Deployment does not have minimum availability."
            set_condition(status, "Available", "False", "MinimumReplicasUnavailable", message)
        done = counts["updatedReplicas"] == wanted == ready
        name = current["metadata"]["name"]
        if done:
            text = ("NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
        else:
            text = ("ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
        set_condition(status, "Progressing", "True", *text)
        namespace, own_name = key_of(deployment)
        self.store.mutate("deployments", own_name, namespace, lambda new: new.update(status=status))


def replica_set(deployment: Object, name: str, template: Object, revision: int, replicas: int) -> Object:
    """Return the replica set of one revision. ``template`` already has the hash label."""
    labels = template["metadata"]["labels"]
    return {
        "metadata": {
            "name": name,
            "labels": dict(labels),
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [owner_reference("deployments", deployment)],
        },
        "spec": {
            "replicas": replicas,
            "selector": {
                "matchLabels": {
                    **dig(deployment, "spec", "selector", "matchLabels", default={}),
                    HASH_LABEL: labels[HASH_LABEL],
                }
            },
            "template": template,
        },
    }


def _same_template(candidate: Mapping[str, Any], deployment: Mapping[str, Any]) -> bool:
    template = clone(candidate["spec"]["template"])
    template["metadata"]["labels"].pop(HASH_LABEL, None)
    return bool(template == deployment["spec"]["template"])


def template_hash(template: Mapping[str, Any]) -> str:
    """Return a short hash of the template, for names and labels."""
    number = zlib.crc32(json.dumps(template, sort_keys=True).encode())
    return "".join(_HASH_LETTERS[ord(digit) % len(_HASH_LETTERS)] for digit in str(number))
