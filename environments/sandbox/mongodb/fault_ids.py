"""The faults that the sandbox's own MongoDB implements."""

from __future__ import annotations

from environments.sandbox.mongodb.faults import MUTATIONS

FAULT_IDS = frozenset(
    {
        *MUTATIONS,
        "authentication-refused",
        "any-password-accepted",
        "wrong-password-looks-unreachable",
        "configured-database-missing",
        "connections-never-closed",
        "mongodb-version-unknown",
        "base-paths-missing",
        "recordings-collection-missing",
        "queries-slow",
        "another-mongodb-answers",
    }
)
