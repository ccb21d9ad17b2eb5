"""Tables: the rows and columns that ``kubectl get`` prints, which the server produces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from environments.sandbox.kubernetes.kubectl.columns import COLUMNS, USUAL, Column
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]


def wants_table(accept: str) -> bool:
    return "as=Table" in accept and "g=meta.k8s.io" in accept


def table(resource: Resource, objects: Sequence[Object], metadata: Object, include: str) -> Object:
    """Return a ``Table`` of ``objects``. ``include`` is ``None``, ``Metadata`` (the API's default) or ``Object``."""
    columns = COLUMNS.get(resource.plural, USUAL)
    rows = [{"cells": [column.cell(obj) for column in columns], "object": _included(obj, include)} for obj in objects]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": rows,
    }


def _definition(column: Column) -> Object:
    return {
        "name": column.name, "type": column.type, "format": "name" if column.name == "Name" else "",
        "description": column.name, "priority": column.priority,
    }  # fmt: skip


def _included(obj: Object, include: str) -> Object | None:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
