"""Indexed jobs: each pod has a number, and a number is done when a pod with it has succeeded."""

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
    """The number of a pod; None for one of an ordinary job."""
    text = dig(pod, "metadata", "annotations", INDEX)
    return None if text is None else int(text)


def free(job: Mapping[str, Any], active: Iterable[Object], done: Collection[int], amount: int) -> Iterator[int | None]:
    """The lowest numbers that no pod has now and none is needed for no more; None for each pod of an ordinary job."""
    if not is_indexed(job):
        return repeat(None, amount)
    taken = {*done, *(index_of(pod) for pod in active)}
    return islice((index for index in count() if index not in taken), amount)


def numbered(pod: Object, index: int) -> Object:
    """The pod with its number: in its name, as annotation and label, and where its containers read it."""
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
    """Numbers as a job's status has them: ``0-2,5``."""
    ranges: list[list[int]] = []
    for index in sorted(done):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
