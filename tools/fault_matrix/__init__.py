"""The fault matrix: every fault of the catalogue must fail its scenarios, for its reason, and no others."""
