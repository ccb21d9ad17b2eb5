"""What must be true of the fibre of a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.checks.matcher import Judged
from support.model.sampling import is_positive


def is_connected() -> Judged[Mapping[str, Any]]:
    """Live metadata that tell a pulse rate: the reliable sign of a connected fibre (docs/facts/mongodb.md 6)."""
    return Judged(
        "live metadata with a pulse rate above 0",
        lambda seen: None if is_positive(seen.get("prr")) else f"no fibre is connected: prr is {seen.get('prr')!r}",
    )
