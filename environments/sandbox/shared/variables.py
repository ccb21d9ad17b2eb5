"""Variables of the environment that the sandbox reads."""

from __future__ import annotations

MONGODB_VARIABLE = "SANDBOX_MONGODB_URI"
"""A MongoDB to use in place of the sandbox's own."""
