"""The template environment of all HTML pages. It escapes text from outside, so that a page never interprets it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from support.reporting.text import safe


def templates_in(folder: Path) -> Environment:
    """Load the templates of a folder. Markup and control characters in a name, message or event are shown as text."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=lambda value: safe(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
