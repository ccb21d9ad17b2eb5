"""The kinds of lists of ``focus-acceptance list``, kept apart from the lists themselves, which import a lot."""

from __future__ import annotations

import enum


class Kind(enum.StrEnum):
    """The kinds of lists."""

    REQUIREMENTS = "requirements"
    SCENARIOS = "scenarios"
    PHRASES = "phrases"
    FAULTS = "faults"
    TAGS = "tags"
