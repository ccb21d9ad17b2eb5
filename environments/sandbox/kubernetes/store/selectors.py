"""Label and field selectors of list, watch and deletecollection."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from environments.sandbox.kubernetes.store.errors import bad_request
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]
Predicate = Callable[[Object], bool]

_KEY = r"[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?"
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALITY = re.compile(rf"(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9_.-]*)")
_EXISTS = re.compile(rf"(?P<absent>!?)\s*(?P<key>{_KEY})")
_FIELD = re.compile(r"(?P<path>[A-Za-z.]+)(?P<operator>==|=|!=)(?P<value>.*)")

_COMMON_FIELDS = ("metadata.name", "metadata.namespace")
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
             "status.podIP", "status.nominatedNodeName"),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
}  # fmt: skip


def _split(selector: str) -> list[str]:
    """Split at the commas outside parentheses."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", selector)]


def _label_requirement(text: str) -> Callable[[Object], bool]:
    if match := _SET.fullmatch(text):
        key, values = match["key"], {value.strip() for value in match["values"].split(",")}
        if match["operator"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _EQUALITY.fullmatch(text):
        key, value = match["key"], match["value"]
        if match["operator"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _EXISTS.fullmatch(text):
        key, absent = match["key"], bool(match["absent"])
        return lambda labels: (key not in labels) == absent
    raise bad_request(f"unable to parse requirement: {text!r} is not a label selector")


def label_selector(selector: str) -> Predicate | None:
    """Return a test for objects, None if all pass. Raises :class:`ApiError` 400 if the selector cannot be parsed."""
    if not selector.strip():
        return None
    requirements = [_label_requirement(part) for part in _split(selector)]

    def matches(obj: Object) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(requirement(labels) for requirement in requirements)

    return matches


def _field_value(obj: Object, path: str) -> str:
    if path == "source":
        return str(dig(obj, "source", "component") or obj.get("reportingComponent") or "")
    if path == "status.successful":
        return str(dig(obj, "status", "succeeded", default=0))
    value = dig(obj, *path.split("."), default="")
    return str(value).lower() if isinstance(value, bool) else str(value)


def field_selector(resource: Resource, selector: str) -> Predicate | None:
    """Like :func:`label_selector`, for fields. Fields that the real server does not index are refused as it does."""
    if not selector.strip():
        return None
    requirements: list[tuple[str, bool, str]] = []
    for part in selector.split(","):
        match = _FIELD.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{part}'")
        path = match["path"]
        if path not in _COMMON_FIELDS and path not in _FIELDS.get(resource.plural, ()):
            raise bad_request(f"field label not supported: {path}")
        requirements.append((path, match["operator"] != "!=", match["value"]))
    return lambda obj: all((_field_value(obj, path) == value) == equal for path, equal, value in requirements)


def everything(*predicates: Predicate | None) -> Predicate | None:
    """Combine predicates into one that requires all of them; None if there are none."""
    wanted = [predicate for predicate in predicates if predicate is not None]
    if not wanted:
        return None
    return wanted[0] if len(wanted) == 1 else lambda obj: all(predicate(obj) for predicate in wanted)
