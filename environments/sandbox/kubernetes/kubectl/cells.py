"""The texts of single table cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from environments.sandbox.kubernetes.store.objects import dig

Object = dict[str, Any]
_NONE = "<none>"
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_FORMS = (
    (120, "s"), (600, "ms"), (3 * 3600, "m"), (8 * 3600, "hm"), (48 * 3600, "h"), (8 * 86400, "dh"), (math.inf, "d"),
)  # fmt: skip
"""(seconds, units): durations below the number of seconds are shown in these units."""


def seconds_since(stamp: str | None) -> float | None:
    if not stamp:
        return None
    return (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()


def human_duration(seconds: float) -> str:
    """Format a duration like ``HumanDuration`` of apimachinery: 45s, 3m20s, 5h7m, 2d4h, 12d."""
    left = int(seconds)
    if left < -1:
        return "<invalid>"
    left = max(left, 0)
    parts: list[str] = []
    for unit in next(units for below_s, units in _FORMS if left < below_s):
        number, left = divmod(left, _SECONDS[unit])
        if number or not parts:
            parts.append(f"{number}{unit}")
    return "".join(parts)


def age_of(stamp: str | None) -> str:
    seconds = seconds_since(stamp)
    return "<unknown>" if seconds is None else human_duration(seconds)


def joined(values: Iterable[str]) -> str:
    return ",".join(values) or _NONE


def labels(values: Mapping[str, str] | None) -> str:
    return joined(f"{key}={value}" for key, value in sorted((values or {}).items()))


def label_selector(selector: Object | None) -> str:
    parts = [f"{key}={value}" for key, value in sorted(((selector or {}).get("matchLabels") or {}).items())]
    for each in (selector or {}).get("matchExpressions", ()):
        key, operator = each.get("key", ""), each.get("operator", "")
        if operator in ("In", "NotIn"):
            parts.append(f"{key} {operator.lower()} ({','.join(sorted(each.get('values', ())))})")
        else:
            parts.append(f"{'!' if operator == 'DoesNotExist' else ''}{key}")
    return ",".join(parts) or _NONE


def pod_status(pod: Object) -> str:
    """Return the STATUS column, which is more specific than the phase if a container is waiting or has ended."""
    status = pod.get("status", {})
    shown = str(status.get("reason") or status.get("phase") or "Unknown")
    running = False
    for container in reversed(status.get("containerStatuses", [])):
        state = container.get("state", {})
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            shown = waiting["reason"]
        elif ended and ended.get("reason"):
            shown = ended["reason"]
        elif ended:
            shown = f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
        elif "running" in state and container.get("ready"):
            running = True
    if shown == "Completed" and running:
        shown = "Running" if _condition(pod, "Ready") == "True" else "NotReady"
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return shown


def pod_ready(pod: Object) -> str:
    statuses = dig(pod, "status", "containerStatuses", default=[])
    return f"{sum(1 for each in statuses if each.get('ready'))}/{len(dig(pod, 'spec', 'containers', default=[]))}"


def pod_restarts(pod: Object) -> str:
    statuses = dig(pod, "status", "containerStatuses", default=[])
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [dig(each, "lastState", "terminated", "finishedAt") for each in statuses]
    last = max((end for end in ends if end), default=None)
    return f"{count} ({age_of(last)} ago)" if count and last else str(count)


def _condition(obj: Object, kind: str) -> str | None:
    for each in dig(obj, "status", "conditions", default=[]):
        if each.get("type") == kind:
            value: str = each.get("status", "")
            return value
    return None


def job_status(job: Object) -> str:
    for kind in ("Complete", "Failed"):
        if _condition(job, kind) == "True":
            return kind
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if _condition(job, "Suspended") == "True":
        return "Suspended"
    if _condition(job, "FailureTarget") == "True":
        return "FailureTarget"
    return "SuccessCriteriaMet" if _condition(job, "SuccessCriteriaMet") == "True" else "Running"


def job_completions(job: Object) -> str:
    done, wanted = dig(job, "status", "succeeded", default=0), dig(job, "spec", "completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = dig(job, "spec", "parallelism", default=0)
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def job_duration(job: Object) -> str:
    started, ended = dig(job, "status", "startTime"), dig(job, "status", "completionTime")
    if not started:
        return ""
    if not ended:
        return human_duration(seconds_since(started) or 0)
    return human_duration((datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds())


def node_status(node: Object) -> str:
    ready = _condition(node, "Ready")
    shown = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return f"{shown},SchedulingDisabled" if dig(node, "spec", "unschedulable") else shown


def node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    keys = node["metadata"].get("labels") or {}
    return joined(sorted(key.removeprefix(prefix) for key in keys if key.startswith(prefix)))


def node_address(node: Object, kind: str) -> str:
    for each in dig(node, "status", "addresses", default=[]):
        if each.get("type") == kind:
            address: str = each.get("address", _NONE)
            return address
    return _NONE


def external_ip(service: Object) -> str:
    spec = service["spec"]
    fixed = spec.get("externalIPs") or []
    if spec.get("type") == "LoadBalancer":
        given = dig(service, "status", "loadBalancer", "ingress", default=[])
        return ",".join([*(each.get("ip") or each.get("hostname", "") for each in given), *fixed]) or "<pending>"
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName"))
    return joined(fixed)


def service_ports(service: Object) -> str:
    parts: list[str] = []
    for each in service["spec"].get("ports", ()):
        node_port = f":{each['nodePort']}" if each.get("nodePort") else ""
        parts.append(f"{each['port']}{node_port}/{each.get('protocol', 'TCP')}")
    return joined(parts)


def endpoint_addresses(endpoints: Object) -> str:
    parts: list[str] = []
    for subset in endpoints.get("subsets") or ():
        ports = [port.get("port", "") for port in subset.get("ports") or ()] or [""]
        for address in subset.get("addresses") or ():
            parts += [f"{address.get('ip', '')}:{port}" for port in ports]
    return _shortened(parts, _NONE)


def slice_ports(endpoint_slice: Object) -> str:
    return _shortened([str(port.get("port", "*")) for port in endpoint_slice.get("ports") or ()], "<unset>")


def slice_endpoints(endpoint_slice: Object) -> str:
    endpoints = endpoint_slice.get("endpoints") or ()
    return _shortened([address for each in endpoints for address in each.get("addresses") or ()], "<unset>")


def _shortened(parts: list[str], nothing: str) -> str:
    """Join the first three parts and append the number of the others."""
    shown = 3
    more = f" + {len(parts) - shown} more..." if len(parts) > shown else ""
    return (",".join(parts[:shown]) or nothing) + more


def quota(obj: Object) -> str:
    hard, used = dig(obj, "status", "hard", default={}), dig(obj, "status", "used", default={})
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard))
