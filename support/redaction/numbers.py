"""Where a text of some form holds numbers and times, which stay what they are where a secret consists of digits.

A number that a report measured is none of the secrets it looks like, and with stars in its place nobody could read the
file any more. Whoever has digits for a password finds them hidden in every text, and in the strings of these forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TIME = r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?"
_JSON = re.compile(rf'"({_TIME})"|"(?:[^"\\]|\\.)*"|(-?\d[\d.eE+-]*)')
_JUNIT = re.compile(r'\b(?:time|timestamp|tests|failures|errors|skipped|line)="([^"]*)"')
_METRICS = re.compile(r"^[^#\n].* (\S+)$", re.MULTILINE)

FORMS: Mapping[str, re.Pattern[str]] = {".json": _JSON, ".jsonl": _JSON, ".xml": _JUNIT, ".prom": _METRICS}
"""By the ending of a file: a pattern whose groups are the numbers and times."""


def places_of_numbers(text: str, form: re.Pattern[str]) -> list[tuple[int, int]]:
    """Where they begin and end, in their order."""
    return [found.span(group) for found in form.finditer(text) for group in range(1, form.groups + 1) if found[group]]
