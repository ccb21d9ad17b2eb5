"""Requests that check everything and do nothing."""

from __future__ import annotations

from typing import Any

from environments.sandbox.kubernetes.store import errors


def is_dry_run(asked: Any, options: str) -> bool:
    """Whether everything is to be checked and nothing done; ``asked`` comes from the query or from DeleteOptions."""
    if asked in (None, "", []):
        return False
    if asked in ("All", ["All"]):
        return True
    raise errors.unsupported_option(options, "dryRun", asked, ("All",))
