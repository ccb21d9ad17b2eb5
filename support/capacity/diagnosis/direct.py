"""Direct evidence of one investigation: answer, pod, job, events - in this order (docs/facts/capacity.md 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from support.capacity.diagnosis.evidence import (
    ClusterIndex,
    Confidence,
    EvidenceRow,
    Match,
    Objects,
    container_states,
    event_row,
    node_row,
    shortened,
)
from support.capacity.diagnosis.texts import cause_of
from support.capacity.load.results import JobRecord

_IMAGE = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "InvalidImageName", "ErrImageNeverPull"}
    | {"RegistryUnavailable"}
)
_CONTAINER = frozenset({"CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
START_EVENTS = frozenset({"FailedCreatePodSandBox", "FailedMount", "FailedAttachVolume", "NetworkNotReady"})
"""Events identified by their reason, whatever their message."""
_DISRUPTIONS = {"PreemptionByScheduler": "preemption", "TerminationByKubelet": "node-pressure"}
_KUBELET = re.compile(r"OutOf(?!pods\b)[\w./-]+")
_GATEWAY = frozenset({502, 503, 504})
_PROXIES = re.compile(r"nginx|envoy|traefik|haproxy|istio|cloudflare|metallb", re.IGNORECASE)
OOM_EXIT = 137


def direct_match(record: JobRecord, index: ClusterIndex) -> Match | None:
    """Return the match of the first piece of direct evidence, or None."""
    objects = index.of(record)
    looks: tuple[Callable[[], Iterator[Match]], ...] = (
        lambda: _answer(record),
        lambda: _pod_end(objects),
        lambda: _lost_node(objects, index),
        lambda: _containers(objects),
        lambda: _pod_conditions(objects),
        lambda: _events(objects),
        lambda: _job(objects),
    )
    return next((match for look in looks for match in look()), None)


def _answer(record: JobRecord) -> Iterator[Match]:
    if record.status == 200:
        return
    row = answer_row(record)
    headers = {name.lower(): value for name, value in record.headers.items()}
    cause = cause_of(record.answer)
    if cause is None and record.status == 429 and "x-kubernetes-pf-flowschema-uid" in headers:
        cause = "api-overload"
    if cause is not None:
        yield Match(cause, Confidence.HIGH, (row,))
    elif record.status in _GATEWAY and _PROXIES.search(headers.get("server", "") + record.answer):
        server = headers.get("server", "")
        hop = EvidenceRow("HTTP answer", f"investigation {record.number}", "Server header", server or "none")
        yield Match("network", Confidence.HIGH, (row, hop))


def answer_row(record: JobRecord) -> EvidenceRow:
    """The answer of an investigation as evidence."""
    status = "no answer" if record.status is None else f"status {record.status}"
    return EvidenceRow("HTTP answer", f"investigation {record.number}", status, shortened(record.answer))


def _pod_end(objects: Objects) -> Iterator[Match]:
    """The reason why a pod ended, as the kubelet or the scheduler gives it."""
    if objects.pod is None:
        return
    pod, status = objects.pod, objects.pod.raw.get("status") or {}
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    row = _row(objects, "status.reason", f"{reason}: {message}" if message else reason)
    disruption = pod.conditions.get("DisruptionTarget")
    if reason == "Evicted":
        yield Match("node-pressure", Confidence.HIGH, (row,))
    elif disruption is not None and disruption.status == "True" and disruption.reason in _DISRUPTIONS:
        disruption_row = _row(objects, "conditions[DisruptionTarget]", f"{disruption.reason}: {disruption.message}")
        yield Match(_DISRUPTIONS[disruption.reason], Confidence.HIGH, (disruption_row,))
    elif reason in ("NodeLost", "NodeAffinity"):
        yield Match("node-not-ready" if reason == "NodeLost" else "placement", Confidence.HIGH, (row,))
    elif reason and (cause := cause_of(f"{reason}: {message}")):
        yield Match(cause, Confidence.HIGH, (row,))
    elif _KUBELET.fullmatch(reason):
        yield Match("kubelet-race", Confidence.HIGH, (row,))


def _lost_node(objects: Objects, index: ClusterIndex) -> Iterator[Match]:
    """A pod on a lost node is not alive, whatever its last status."""
    if objects.pod is not None and objects.pod.node in index.lost_nodes:
        row = _row(objects, "spec.nodeName", str(objects.pod.node))
        yield Match("node-not-ready", Confidence.HIGH, (row, node_row(index.lost_nodes[objects.pod.node])))


def _containers(objects: Objects) -> Iterator[Match]:
    if objects.pod is None:
        return
    states = [(f"{container} {field}", state) for container, field, state in container_states(objects.pod.raw)]
    for where, state in states:
        ended = state.get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            row = _row(
                objects, where, f"OOMKilled, exit code {ended.get('exitCode', OOM_EXIT)}", ended.get("finishedAt")
            )
            yield Match("memory-limit", Confidence.HIGH, (row,))
    for where, state in states:
        waiting = state.get("waiting") or {}
        reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
        row = _row(objects, where, f"{reason}: {message}" if message else reason)
        if reason in _IMAGE:
            yield Match("image-pull", Confidence.HIGH, (row,))
        elif reason in _CONTAINER:
            yield Match("job-failed", Confidence.HIGH, (row,))


def _pod_conditions(objects: Objects) -> Iterator[Match]:
    scheduled = objects.pod.conditions.get("PodScheduled") if objects.pod else None
    if scheduled is None or scheduled.status == "True":
        return
    cause = cause_of(scheduled.message)
    if cause is not None:
        row = _row(objects, "conditions[PodScheduled]", f"{scheduled.reason}: {scheduled.message}")
        yield Match(cause, Confidence.HIGH, (row,))


def _events(objects: Objects) -> Iterator[Match]:
    """Events can be dropped, so they are used after what the objects themselves show."""
    started = objects.pod is not None and objects.pod.phase == "Running"
    for event in objects.events:
        reason, message = str(event.get("reason", "")), str(event.get("message", ""))
        if reason == "Preempted":
            yield Match("preemption", Confidence.HIGH, (event_row(event),))
        elif started and reason in ("FailedScheduling", *START_EVENTS):
            continue  # the pod runs, so this was overcome
        elif reason in START_EVENTS:
            yield Match("pod-start", Confidence.HIGH, (event_row(event),))
        elif event.get("type", "Warning") == "Warning" and (cause := cause_of(message)):
            yield Match(cause, Confidence.HIGH, (event_row(event),))


def _job(objects: Objects) -> Iterator[Match]:
    failed = objects.job.conditions.get("Failed") if objects.job else None
    if objects.job is not None and failed is not None and failed.status == "True":
        value = f"{failed.reason}: {failed.message}"
        yield Match("job-failed", Confidence.HIGH, (EvidenceRow("job", objects.job.name, "conditions[Failed]", value),))


def _row(objects: Objects, field: str, value: str, first_seen: str | None = None) -> EvidenceRow:
    name = objects.pod.name if objects.pod else ""
    return EvidenceRow("pod", name, field, shortened(value), first_seen or _since(objects, field))


def _since(objects: Objects, field: str) -> str | None:
    """Time of the last change of the condition, else time the pod was created."""
    raw = objects.pod.raw if objects.pod else {}
    for condition in (raw.get("status") or {}).get("conditions") or ():
        if f"conditions[{condition.get('type')}]" == field and condition.get("lastTransitionTime"):
            return str(condition["lastTransitionTime"])
    created = (raw.get("metadata") or {}).get("creationTimestamp")
    return str(created) if created else None
