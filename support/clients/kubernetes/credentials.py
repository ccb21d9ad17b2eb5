"""Tokens for the API server that may change during a run and are then read again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from support.clients.kubernetes.exec_plugin import ExecPlugin

READ_AGAIN_S = 60.0
"""The interval of client-go: the kubelet renews the token of a pod long before it expires."""


class TokenError(Exception):
    """A token that cannot be used. The message is the second half of a sentence and does not show the token."""

    def __init__(self, problem: str, is_empty: bool = False) -> None:
        super().__init__(problem)
        self.is_empty = is_empty


class TokenSource(Protocol):
    """The source of a token that may change while the suite runs."""

    def token(self) -> str:
        """Return the current token. Raises :class:`TokenError`, :class:`PluginError` or OSError."""


def usable(token: str, hide: Callable[[str], None]) -> str:
    """Return the token without the white space around it. Raises :class:`TokenError` if no header may hold it."""
    token = token.removeprefix("\ufeff").strip()
    hide(token)
    if not token:
        raise TokenError("is empty", is_empty=True)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise TokenError(
            "holds a control character, a blank or a letter that no header may hold; "
            "allowed: one line of printable ASCII characters"
        )
    return token


class TokenFile:
    """A token file that is read again once a minute. Safe to use from several threads."""

    def __init__(self, path: Path, hide: Callable[[str], None]) -> None:
        self._path, self._hide = path, hide
        self._lock = threading.Lock()
        self._known, self._read_at_s = "", float("-inf")

    def token(self) -> str:
        with self._lock:
            if time.monotonic() - self._read_at_s > READ_AGAIN_S:
                text = self._path.read_bytes().decode("utf-8", errors="replace")
                self._known, self._read_at_s = usable(text, self._hide), time.monotonic()
            return self._known


class PluginToken:
    """The token of a plugin, which runs again when its token has expired."""

    def __init__(self, plugin: ExecPlugin, hide: Callable[[str], None]) -> None:
        self._plugin, self._hide = plugin, hide

    def token(self) -> str:
        return usable(self._plugin.credential().token, self._hide)
