"""Errors of the sandbox that a person can mend."""

from __future__ import annotations


class UsageError(Exception):
    """Wrong use or configuration: one sentence for the user, exit code 2."""


class FaultImpossible(Exception):
    """A fault of the catalogue that this sandbox cannot be given: one sentence."""


class StartError(Exception):
    """The sandbox could not be started although it was asked for correctly: one sentence, exit code 1."""
