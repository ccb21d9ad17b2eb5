"""Errors of the API server, as the ``Status`` objects that its clients read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from environments.sandbox.kubernetes.store.resources import Resource


class ApiError(Exception):
    """A request that the API server refuses. ``reason`` is Kubernetes' machine-readable name for ``code``."""

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.headers = headers
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        """Return the ``Status`` object."""
        body: dict[str, Any] = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        }  # fmt: skip
        if self.details is not None:
            body["details"] = self.details
        return body


def _details(resource: Resource, name: str) -> dict[str, Any]:
    group = {"group": resource.group} if resource.group else {}
    return {"name": name, **group, "kind": resource.plural}


def not_found(resource: Resource, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, name))


def modified(resource: Resource, name: str) -> ApiError:
    return conflict(
        resource, name, "the object has been modified; please apply your changes to the latest version and try again"
    )


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    message = f'{resource.qualified} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, _details(resource, name))


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def cause(reason: str, field: str, message: str) -> dict[str, str]:
    """Describe one invalid field. ``reason`` is e.g. ``FieldValueRequired``, ``message`` e.g. ``Required value``."""
    return {"reason": reason, "message": message, "field": field}


def invalid(resource: Resource, name: str, causes: Sequence[dict[str, str]]) -> ApiError:
    """Return a 422 with all invalid fields and the real server's message."""
    texts = [f"{each['field']}: {each['message']}" for each in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": list(causes)}
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {text}', details)


def unsupported_option(options: str, field: str, value: object, allowed: Sequence[str]) -> ApiError:
    """Return a 422 for a parameter of the request itself. ``options`` is its kind, e.g. ``CreateOptions``."""
    choices = ", ".join(f'"{each}"' for each in allowed)
    wrong = cause("FieldValueNotSupported", field, f'Unsupported value: "{value}": supported values: {choices}')
    details = {"group": "meta.k8s.io", "kind": options, "causes": [wrong]}
    message = f'{options}.meta.k8s.io "" is invalid: {field}: {wrong["message"]}'
    return ApiError(422, "Invalid", message, details)


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    """Return a 415 for a body in a format that the server does not read."""
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return ApiError(415, "UnsupportedMediaType", message)
