"""What must be true of the fibre of a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.checks.matcher import Judged


def is_connected() -> Judged[Mapping[str, Any]]:
    """Live metadata that tell a pulse rate: the reliable sign of a connected fibre (docs/facts/mongodb.md 6)."""
    return Judged(
        "live metadata with a pulse rate above 0",
        lambda seen: None if seen.get("prr", 0) > 0 else f"no fibre is connected: prr is {seen.get('prr')!r}",
    )
