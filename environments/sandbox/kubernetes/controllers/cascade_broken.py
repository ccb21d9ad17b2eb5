"""The fault ``cascade-broken``: a second owner keeps the pods of a job when the job is deleted."""

from __future__ import annotations

from collections.abc import Callable

from environments.sandbox.kubernetes.controllers.meta import Object, controller_of, key_of, owner_reference
from environments.sandbox.kubernetes.store.object_store import Store

FAULT = "cascade-broken"


def second_owner(store: Store) -> Object:
    node = store.list("nodes")[0]
    return {**owner_reference("nodes", node), "controller": False, "blockOwnerDeletion": False}


def hold_pods(store: Store, hold: bool) -> None:
    """Add the second owner to every pod of a job or remove it. Pods that only the second owner kept are deleted."""
    second = second_owner(store)
    for pod in store.list("pods"):
        owner = controller_of(pod, "Job")
        if owner is None:
            continue
        (namespace, name), uid = owner
        job = store.find("jobs", name, namespace)
        key = key_of(pod)
        if not hold and (job is None or job["metadata"]["uid"] != uid):
            store.delete("pods", key[1], key[0])
            continue
        owners = [each for each in pod["metadata"]["ownerReferences"] if each["uid"] != second["uid"]]
        owners += [second] if hold else []
        store.mutate("pods", key[1], key[0], _owned_by(owners))


def _owned_by(owners: list[Object]) -> Callable[[Object], None]:
    return lambda pod: pod["metadata"].update(ownerReferences=owners)
