"""Errors of requests to the cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from support.redaction import shortened

T = TypeVar("T")


class ClusterError(Exception):
    """A failed call to the cluster: the request, the HTTP status (0: no answer) and the API's message."""

    def __init__(self, what: str, status: int, message: str) -> None:
        super().__init__(f"{what}: {status or 'no answer'}: {message}")
        self.what = what
        self.status = status
        self.message = message

    @property
    def not_found(self) -> bool:
        """Whether the API itself reported that the object does not exist."""
        return self.status == 404


def shaped(parse: Callable[[Mapping[str, Any]], T], raw: Mapping[str, Any], what: str) -> T:
    """Return ``parse(raw)``. Raises :class:`ClusterError` if the object's shape differs from the API reference."""
    try:
        return parse(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ClusterError(what, 200, f"an object of unexpected shape ({error!r}): {shortened(raw)}") from error
