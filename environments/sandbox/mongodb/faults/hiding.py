"""Collections that a fault hides; they come back unchanged."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from environments.sandbox.mongodb.seed.seeding import BASE_PATHS
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.storage.store import Store

HIDES = {"base-paths-missing": BASE_PATHS, "recordings-collection-missing": None}
"""Fault -> the collection it hides; ``None`` stands for the recordings."""


class Hidden:
    """The hidden collections by name."""

    def __init__(self) -> None:
        self.collections: dict[str, Collection] = {}

    def change(self, store: Store, database: str, recordings: str, on: AbstractSet[str], off: AbstractSet[str]) -> None:
        """Hide and restore collections. Data written in place of a hidden collection is lost when it comes back."""
        for fault, hidden in HIDES.items():
            name = hidden or recordings
            if fault in on and store.find(database, name) is not None:
                self.collections[name] = store.take(database, name)
            if fault in off and name in self.collections:
                store.put(self.collections.pop(name))
