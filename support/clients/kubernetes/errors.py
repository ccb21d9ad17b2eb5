"""How asking the cluster can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from support.redaction import shortened

T = TypeVar("T")


class ClusterError(Exception):
    """A call the cluster did not answer as hoped: what was asked, the HTTP status (0: no answer), the API's message."""

    def __init__(self, what: str, status: int, message: str) -> None:
        super().__init__(f"{what}: {status or 'no answer'}: {message}")
        self.what = what
        self.status = status
        self.message = message

    @property
    def not_found(self) -> bool:
        """The object does not exist, which the API itself said."""
        return self.status == 404


def shaped(parse: Callable[[Mapping[str, Any]], T], raw: Mapping[str, Any], what: str) -> T:
    """``parse(raw)``. Raises :class:`ClusterError` when the object does not look as the API's reference says."""
    try:
        return parse(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ClusterError(what, 200, f"an object of unexpected shape ({error!r}): {shortened(raw)}") from error
