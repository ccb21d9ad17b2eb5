"""The fault matrix: each fault of the catalogue must fail its scenarios, for its reason, and no unrelated ones."""
