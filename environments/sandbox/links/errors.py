"""Error answers of the control API."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Toxiproxy's error answer: an HTTP ``status`` and one sentence."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status

    def to_json(self) -> dict[str, Any]:
        return {"error": self.message, "status": self.status}


def bad_request(reason: str) -> ApiError:
    return ApiError(f"bad request body: {reason}", 400)


def check_fields(body: Any, known: set[str]) -> None:
    if not isinstance(body, dict):
        raise bad_request("a JSON object is needed")
    unknown = sorted(set(body) - known)
    if unknown:
        raise bad_request(f"unknown field {unknown[0]!r}; known are {', '.join(sorted(known))}")
