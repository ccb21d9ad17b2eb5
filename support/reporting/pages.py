"""How every page that people read is filled in: what somebody else wrote is shown in it, never obeyed."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from support.reporting.text import safe


def templates_in(folder: Path) -> Environment:
    """The templates of a folder. Markup and control characters in a name, a message or an event are shown as text."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=lambda value: safe(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
