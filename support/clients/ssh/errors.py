"""Errors of the SSH client."""

from __future__ import annotations


class SSHError(Exception):
    """An SSH failure. ``kind`` is ``host_key``, ``authentication``, ``unreachable``, ``forward_refused``, ``timeout``,
    ``signal`` (a signal ended the command), ``endless`` (a command wrote too much) or ``configuration`` (a file of this
    machine cannot be used)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
