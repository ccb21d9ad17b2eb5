"""What ``focus-acceptance list`` can list: apart from the lists, which load much."""

from __future__ import annotations

import enum


class Kind(enum.StrEnum):
    """What can be listed."""

    REQUIREMENTS = "requirements"
    SCENARIOS = "scenarios"
    PHRASES = "phrases"
    FAULTS = "faults"
    TAGS = "tags"
