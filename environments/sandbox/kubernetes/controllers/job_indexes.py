"""Indexed jobs: each pod has a completion index, and an index is done when a pod with it has succeeded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count, islice, repeat
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import Object
from environments.sandbox.kubernetes.store.objects import dig

INDEX = "batch.kubernetes.io/job-completion-index"
_VARIABLE = "JOB_COMPLETION_INDEX"


def is_indexed(job: Mapping[str, Any]) -> bool:
    return bool(dig(job, "spec", "completionMode") == "Indexed")


def index_of(pod: Mapping[str, Any]) -> int | None:
    """Return the completion index of a pod; None for a pod of a job that is not Indexed."""
    text = dig(pod, "metadata", "annotations", INDEX)
    return None if text is None else int(text)


def free(job: Mapping[str, Any], active: Iterable[Object], done: Collection[int], amount: int) -> Iterator[int | None]:
    """Return ``amount`` indexes for new pods: the lowest that no active pod has and that are not ``done``.

    For a job that is not Indexed, each of them is None.
    """
    if not is_indexed(job):
        return repeat(None, amount)
    taken = {*done, *(index_of(pod) for pod in active)}
    return islice((index for index in count() if index not in taken), amount)


def numbered(pod: Object, index: int) -> Object:
    """Return the pod with its index in its name, hostname, annotation, label and the environment of its containers."""
    metadata, spec = pod["metadata"], pod["spec"]
    name = f"{metadata['generateName']}{index}"
    source = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}
    own = [{"name": _VARIABLE, "valueFrom": source}]
    return {
        "metadata": {
            **metadata,
            "generateName": f"{name}-",
            "annotations": {**metadata.get("annotations", {}), INDEX: str(index)},
            "labels": {**metadata["labels"], INDEX: str(index)},
        },
        "spec": {
            **spec,
            "hostname": name,
            "containers": [{**each, "env": [*each.get("env", ()), *own]} for each in spec["containers"]],
        },
    }


def written(done: Iterable[int]) -> str:
    """Format indexes as in a job's status: ``0-2,5``."""
    ranges: list[list[int]] = []
    for index in sorted(done):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
