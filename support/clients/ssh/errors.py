"""How SSH can fail."""

from __future__ import annotations


class SSHError(Exception):
    """``kind`` is ``host_key``, ``authentication``, ``unreachable``, ``forward_refused`` or ``timeout``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
