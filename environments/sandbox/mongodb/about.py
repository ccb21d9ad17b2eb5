"""Who this server says it is."""

from __future__ import annotations

from bson import Int64

VERSION = "8.0.5"
VERSION_ARRAY = [8, 0, 5, 0]
WIRE_VERSION = 25
COUNTER = Int64(0)
"""The topology of a standalone server never changes."""
