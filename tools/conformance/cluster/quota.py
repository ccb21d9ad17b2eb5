"""A quota that refuses a pod until it is deleted."""

from __future__ import annotations

import re
from itertools import pairwise

from hamcrest import equal_to, has_length, is_not

from tools.conformance.cluster.manifests import job
from tools.conformance.cluster.probing import Cluster, Object, registry
from tools.conformance.facts import Value

_TRIES = 3
_USED = re.compile(r"used: pods=\d+")
"""The number of used pods, which includes those of other probes."""


def _refused(obj: Object) -> bool:
    return bool(obj["reason"] == "FailedCreate" and obj["involvedObject"]["name"] == "limited")


@registry.probe("quota", row=4)
def quota(cluster: Cluster) -> dict[str, Value]:
    """Measure the wait between the first two attempts of the job controller, and record its message."""
    cluster.create("resourcequotas", {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    cluster.until(
        lambda: cluster.read("resourcequotas", "none").get("status", {}).get("hard"), is_not(equal_to(None)),
        "the quota is in force",
    )  # fmt: skip
    with cluster.follow("events", fieldSelector="involvedObject.kind=Job") as following:
        cluster.create("jobs", job("limited"))
        cluster.until(lambda: following.changes(_refused)[: _TRIES - 1], has_length(_TRIES - 1), "it was tried again")
        tried = following.changes(_refused)
        cluster.ask("DELETE", cluster.path("resourcequotas", "none"))
        cluster.pod_of("limited")
    waits_s = [later[0] - earlier[0] for earlier, later in pairwise(tried)]
    message = str(tried[0][2]["message"])
    text = _USED.sub("used: pods=N", message.partition(" is forbidden: ")[2])
    return {"first-wait": cluster.about(waits_s[0]), "text": text}
