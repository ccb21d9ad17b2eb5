"""How kubectl fails."""

from __future__ import annotations


class KubectlError(Exception):
    """The text kubectl prints on standard error before it exits with 1."""
