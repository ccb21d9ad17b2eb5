"""Numbers and times in texts of known formats, which are kept even if a secret consists of digits.

A measured number in a report is not the secret it may look like, and a file with stars in its place would be
unreadable. A password that consists of digits is hidden in all other texts, and in the strings of these formats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TIME = r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?"
_JSON = re.compile(rf'"({_TIME})"|"(?:[^"\\]|\\.)*"|(-?\d[\d.eE+-]*)')
_JUNIT = re.compile(r'\b(?:time|timestamp|tests|failures|errors|skipped|line)="([^"]*)"')
_METRICS = re.compile(r"^[^#\n].* (\S+)$", re.MULTILINE)

FORMS: Mapping[str, re.Pattern[str]] = {".json": _JSON, ".jsonl": _JSON, ".xml": _JUNIT, ".prom": _METRICS}
"""Patterns by file extension. The groups of a pattern are the numbers and times."""


def places_of_numbers(text: str, form: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return the spans of the numbers and times, in order."""
    return [found.span(group) for found in form.finditer(text) for group in range(1, form.groups + 1) if found[group]]
