"""Whether a body is an object of its kind at all: the JSON types of the fields this server, or a client, works with.

The real server decodes into Go structs and refuses what does not fit. Here the name of a field decides its type, which
is enough for all but a few, whose path in a kind does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from environments.sandbox.kubernetes.store.errors import ApiError, bad_request
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STRINGS = _names(
    "apiVersion clusterIP generateName host hostname image ingressClassName ip key kind message mountPath name "
    "namespace nodeName operator phase reason resourceVersion restartPolicy schedule serviceAccountName "
    "serviceName type uid value"
)
_NUMBERS = _names(
    "activeDeadlineSeconds backoffLimit completions containerPort count exitCode nodePort parallelism "
    "readyReplicas replicas restartCount succeeded terminationGracePeriodSeconds ttlSecondsAfterFinished"
)
_OBJECTS = _names(
    "allocatable capacity claimRef hard involvedObject jobTemplate lastState limits loadBalancer metadata "
    "nodeInfo podSelector requests resources running selector source spec state strategy template terminated used "
    "waiting"
)
_LISTS_OF_OBJECTS = _names(
    "addresses conditions containerStatuses containers egress env imagePullSecrets ingress initContainers "
    "matchExpressions ownerReferences ports rules subsets taints tolerations volumeMounts volumes"
)
_LISTS_OF_STRINGS = _names("accessModes args command externalIPs finalizers policyTypes values")
_MAPS_OF_STRINGS = _names("annotations data labels matchLabels nodeSelector stringData")
_TIMES = _names(
    "completionTime creationTimestamp deletionTimestamp eventTime finishedAt firstTimestamp lastScheduleTime "
    "lastTimestamp startTime startedAt"
)

_TYPES: dict[str, tuple[type, str]] = {
    **dict.fromkeys(_STRINGS | _TIMES, (str, "string")),
    **dict.fromkeys(_NUMBERS, (int, "int32")),
    **dict.fromkeys(_OBJECTS | _MAPS_OF_STRINGS, (dict, "object")),
    **dict.fromkeys(_LISTS_OF_OBJECTS | _LISTS_OF_STRINGS, (list, "array")),
}
_TYPES_OF_KIND: dict[tuple[str, str], tuple[type, str]] = {
    ("CronJob", "status.active"): (list, "array"),
    ("Job", "status.active"): (int, "int32"),
    ("Job", "status.failed"): (int, "int32"),
    ("Job", "status.ready"): (int, "int32"),
    ("Job", "status.terminating"): (int, "int32"),
}
"""Names that stand for something else in another kind."""


def check_shape(resource: Resource, obj: Any) -> None:
    """400 for a body that is no object of this kind."""
    if not isinstance(obj, dict):
        raise bad_request("the body of the request must be a JSON object")
    kind, version = obj.get("kind", resource.kind), obj.get("apiVersion", resource.api_version)
    if kind != resource.kind:
        raise bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}')
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
    if not isinstance(obj.get("status", {}), dict):
        raise _undecodable(resource, "status", obj["status"], "object")
    _check(resource, "", obj)


def _check(resource: Resource, at: str, obj: Object) -> None:
    for key, value in obj.items():
        path = f"{at}{key}"
        wanted = _TYPES_OF_KIND.get((resource.kind, path)) or _TYPES.get(key)
        if wanted is not None and (not isinstance(value, wanted[0]) or isinstance(value, bool)):
            raise _undecodable(resource, path, value, wanted[1])
        if key in _TIMES:
            _check_time(resource, value)
        elif key in _MAPS_OF_STRINGS:
            _check_strings(resource, path, value.values())
        elif key in _LISTS_OF_STRINGS:
            _check_strings(resource, path, value)
        elif isinstance(value, dict):
            _check(resource, f"{path}.", value)
        elif key in _LISTS_OF_OBJECTS:
            _check_items(resource, path, value)


def _check_items(resource: Resource, path: str, items: list[Any]) -> None:
    for each in items:
        if not isinstance(each, dict):
            raise _undecodable(resource, path, each, "object")
        _check(resource, f"{path}.", each)


def _check_strings(resource: Resource, path: str, values: Any) -> None:
    for each in values:
        if not isinstance(each, str):
            raise _undecodable(resource, path, each, "string")


def _check_time(resource: Resource, text: str) -> None:
    try:
        aware = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse'
        )


def _undecodable(resource: Resource, path: str, value: Any, wanted: str) -> ApiError:
    names = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
    found = names.get(type(value), "null")
    return bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: json: cannot '
        f"unmarshal {found} into Go struct field {resource.kind}.{path} of type {wanted}"
    )
