"""The garbage collector at a realistic pace: objects that have lost their owner are deleted one after the other."""

from __future__ import annotations

import asyncio

from environments.sandbox.kubernetes.controllers.meta import Object, key_of
from environments.sandbox.kubernetes.controllers.pace import Pace
from environments.sandbox.kubernetes.store.deletion import Collect
from environments.sandbox.kubernetes.store.object_store import Store

_REQUESTS_FOR_AN_OBJECT = 2
"""The collector reads an object before it deletes it."""


def paced(store: Store, pace: Pace) -> Collect:
    """Return the function that a deletion calls for each dependent that has lost its owner."""

    def collect(plural: str, obj: Object) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(pace.reserve(_REQUESTS_FOR_AN_OBJECT, loop.time()), delete, plural, obj)

    def delete(plural: str, obj: Object) -> None:
        namespace, name = key_of(obj)
        found = store.find(plural, name, namespace)
        if found is not None and found["metadata"]["uid"] == obj["metadata"]["uid"]:
            store.delete(plural, name, namespace, propagation="Background")

    return collect
