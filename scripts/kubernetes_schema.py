"""Writes what the API server of the sandbox knows of the fields of its kinds, as the official Python client has it:
``.venv/bin/python scripts/kubernetes_schema.py``. Run it when the client is renewed; a test says when it is due."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from kubernetes import client

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "environments" / "sandbox" / "kubernetes" / "http" / "schema.json"
sys.path.insert(0, str(ROOT))

from environments.sandbox.kubernetes.store.resources import RESOURCES  # noqa: E402  # found from the root

PLAIN = {
    "str": "string", "int": "int32", "bool": "bool", "float": "number", "datetime": "time", "bytes": "bytes",
    "object": "any",
}  # fmt: skip
ZEROS = {"string", "int32", "int64", "bool"}
INT64 = {
    "activeDeadlineSeconds", "terminationGracePeriodSeconds", "deletionGracePeriodSeconds", "tolerationSeconds",
    "expirationSeconds", "generation", "observedGeneration", "runAsUser", "runAsGroup", "fsGroup", "sizeBytes", "uid",
    "gid", "user", "start", "seconds", "startingDeadlineSeconds", "supplementalGroups",
}  # fmt: skip
QUANTITIES = {"limits", "requests", "hard", "used", "capacity", "allocatable", "allocatedResources", "overhead"}


def type_of(field: str, text: str) -> str:
    """``list:T``, ``map:T``, a plain type or the name of a model; ``!`` behind a plain type that is never left out."""
    many = re.fullmatch(r"List\[(.*)\]", text)
    if many is not None:
        return f"list:{type_of(field, many[1])}"
    by_key = re.fullmatch(r"Dict\[str, (.*)\]", text)
    if by_key is not None:
        return "map:quantity" if field in QUANTITIES else f"map:{type_of(field, by_key[1])}"
    return "int64" if text == "int" and field in INT64 else PLAIN.get(text, text)


def model_of(kind: str) -> str:
    return "CoreV1Event" if kind == "Event" else f"V1{kind}"


def schema() -> dict[str, dict[str, dict[str, str]]]:
    """``kinds``: the model of each kind; ``models``: the type of every field of every model."""
    kinds = {resource.kind: model_of(resource.kind) for resource in RESOURCES.values()}
    models: dict[str, dict[str, str]] = {}
    waiting = list(kinds.values())
    while waiting:
        name = waiting.pop()
        if name in models:
            continue
        model = getattr(client, name)
        fields = {model.attribute_map[attribute]: text for attribute, text in model.openapi_types.items()}
        models[name] = {field: type_of(field, text) for field, text in sorted(fields.items())}
        for attribute in model.openapi_types:
            field = model.attribute_map[attribute]
            if models[name][field] in ZEROS and model.model_fields[attribute].is_required():
                models[name][field] += "!"
        kinds_of_fields = {text.rpartition(":")[2] for text in models[name].values()}
        waiting += sorted(each for each in kinds_of_fields if hasattr(client, each))
    return {"kinds": dict(sorted(kinds.items())), "models": {name: models[name] for name in sorted(models)}}


def text() -> str:
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(text(), encoding="utf-8")
