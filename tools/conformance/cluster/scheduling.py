"""Pods that no node accepts: the messages of the scheduler, and the format of its events."""

from __future__ import annotations

import re
from typing import Any

from kubernetes.client import CoreV1Api

from tools.conformance.cluster.manifests import job
from tools.conformance.cluster.probing import Cluster, Object, registry
from tools.conformance.cluster.refusals import EXTENDED
from tools.conformance.facts import Value

_AFTER_THE_REASONS = re.compile(r"\. (?P<after>[^.]*preemption:) 0/")
_TIMES = ("count", "eventTime", "firstTimestamp", "lastTimestamp", "series", "source")


def _unplaced(cluster: Cluster, name: str) -> tuple[Object, Object]:
    """Create a pod that requests what no node has; return it with the scheduler's event about it."""
    manifest = job(name)
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    del pod["nodeSelector"]
    pod["containers"][0]["resources"] = {"requests": {EXTENDED: "1"}, "limits": {EXTENDED: "1"}}
    cluster.create("jobs", manifest)
    event = cluster.event_of("FailedScheduling", "Pod", name)
    return cluster.pods_of(name)[0], event


@registry.probe("scheduler-text", row=3)
def scheduler_text(cluster: Cluster) -> dict[str, Value]:
    """Record the scheduler's words. They can name a taint only if a node has one, as control planes do."""
    _, event = _unplaced(cluster, "unplaced")
    text = str(event["message"])
    after = _AFTER_THE_REASONS.search(text)
    facts: dict[str, Value] = {
        "names-what-is-short": f"Insufficient {EXTENDED}" in text,
        "after-the-reasons": after["after"] if after else "nothing",
    }
    if "untolerated taint" in text:
        facts["names-the-taint"] = "untolerated taint {" in text
    return facts


@registry.probe("scheduler-events", row=8)
def scheduler_events(cluster: Cluster) -> dict[str, Value]:
    """Record which fields of the scheduler's events are set: these events have the newer format."""
    pod, event = _unplaced(cluster, "told")
    condition = next(each for each in pod["status"]["conditions"] if each["type"] == "PodScheduled")
    return {
        "fields": [name for name in _TIMES if event.get(name)],
        "component": str(event.get("reportingComponent")),
        "condition": f"{condition['status']} {condition['reason']}",
    }


@registry.probe("controller-events", row=8)
def controller_events(cluster: Cluster) -> dict[str, Value]:
    """Record the fields of the job controller's events, which have the older format."""
    cluster.create("jobs", job("created"))
    event = cluster.event_of("SuccessfulCreate", "Job", "created")
    return {"fields": [name for name in _TIMES if event.get(name)], "component": str(event["source"]["component"])}


@registry.probe("nodes", row=2)
def nodes(cluster: Cluster) -> dict[str, Value]:
    """Read the nodes with the typed client, which checks every field."""
    try:
        read = CoreV1Api(cluster.client).list_node().items
    except ValueError as error:  # pydantic's ValidationError is one
        return {"typed-client": " ".join(str(error).split()[:12])}
    ids = ("boot_id", "machine_id", "system_uuid")
    return {
        "typed-client": "reads them",
        "ids": [field for field in ids if all(node.status and getattr(node.status.node_info, field) for node in read)],
    }
