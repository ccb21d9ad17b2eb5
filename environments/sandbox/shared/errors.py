"""Errors of the sandbox that a person can fix."""

from __future__ import annotations


class UsageError(Exception):
    """Wrong use or wrong configuration. The text is one sentence for the user; the exit code is 2."""


class FaultImpossible(Exception):
    """A fault of the catalogue that this sandbox cannot have. The text is one sentence."""


class StartError(Exception):
    """The sandbox could not start although the request was correct. The text is one sentence; the exit code is 1."""
