"""What is in scope and what is not: `docs/scope.md`, which the start of the site's scope page shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from support.gherkin.dictionary import AREAS
from support.reporting.record.reading import ReadingError

_CODES = re.compile(r"\s*\((?P<codes>[A-Z]{2}(, [A-Z]{2})*)\)$")


@dataclass(frozen=True)
class Inside:
    """A sentence of what is checked, and the areas (names of folders) that check it."""

    sentence: str
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    inside: tuple[Inside, ...]
    outside: tuple[str, ...]


def read_scope(path: Path) -> Scope:
    """The lists of the sections `In` and `Out`; :class:`ReadingError` for a page that does not have them."""
    try:
        sections = _sections(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadingError(f"{path.name}: cannot be read: {error.strerror}") from error
    missing = [name for name in ("In", "Out") if not sections.get(name)]
    if missing:
        raise ReadingError(f"{path.name}: no list below ## {missing[0]}")
    return Scope(tuple(_inside(line, path) for line in sections["In"]), tuple(sections["Out"]))


def _sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("## "):
            name = line.removeprefix("## ").strip()
        elif line.startswith("- "):
            found.setdefault(name, []).append(line.removeprefix("- ").strip())
    return found


def _inside(line: str, path: Path) -> Inside:
    match = _CODES.search(line)
    codes = match["codes"].split(", ") if match else []
    unknown = [code for code in codes if code not in AREAS]
    if not codes or unknown:
        raise ReadingError(f"{path.name}: {line!r} ends with {unknown or 'no areas'}; allowed are {', '.join(AREAS)}")
    return Inside(_CODES.sub("", line), tuple(AREAS[code] for code in codes))
