"""``focus-acceptance list``: prints what can be chosen from, as lines for people or as JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from support.cli.kinds import Kind
from support.fault_catalogue import CatalogueError, load_catalogue
from support.files import PROJECT
from support.gherkin.dictionary import AREAS
from support.gherkin.documents import Document, DocumentError, Example, read_documents
from support.gherkin.glossary import TAGS
from support.gherkin.phrases import phrases_of
from support.gherkin.requirements import RequirementsError, place_of, read_requirements
from support.redaction.output import print_json

Rows = list[dict[str, Any]]


def run(kind: Kind, as_json: bool) -> int:
    """Print the list. Exit code 2 if the requirements, features or faults cannot be read."""
    try:
        rows = _LISTS[kind]()
    except (DocumentError, RequirementsError, CatalogueError) as error:
        print(f"list: {error}", file=sys.stderr)
        return 2
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        print("  ".join(_shown(value) for value in row.values() if value))
    return 0


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _requirements() -> Rows:
    """List the requirements, each with its title and the scenarios that demonstrate it."""
    shown: dict[str, list[str]] = {}
    for _, example in _examples():
        if example.id:
            shown.setdefault(example.id[:5], []).append(example.id)
    titles = read_requirements().titles
    return [{"id": name, "title": title, "scenarios": sorted(shown.get(name, []))} for name, title in titles.items()]


def _scenarios() -> Rows:
    """List the scenarios, each with its title, place and tags, in the order of the requirements."""
    rows = [
        {
            "id": example.id or "",
            "title": example.name,
            "place": f"{document.place}:{example.line}",
            "tags": example.tags,
        }
        for document, example in _examples()
    ]
    shown = [{**row, "tags": [f"@{tag}" for tag in row["tags"] if tag != row["id"]]} for row in rows]
    return sorted(shown, key=lambda row: place_of(str(row["id"])))


def _examples() -> list[tuple[Document, Example]]:
    documents = read_documents(PROJECT / "features")
    return [(document, example) for document in documents for rule in document.rules for example in rule.examples]


def _phrases() -> Rows:
    """List the phrases, each with its noun (the module that defines it), its place and the number of its uses."""
    return [
        {"noun": phrase.noun, "phrase": phrase.text, "uses": phrase.uses, "place": phrase.place}
        for phrase in phrases_of(PROJECT / "steps", PROJECT / "features", PROJECT / "load")
    ]


def _faults() -> Rows:
    return [
        {"id": fault.id, "requirement": fault.requirement, "notice": fault.notice, "scenarios": sorted(fault.scenarios)}
        for fault in load_catalogue().values()
    ]


def _tags() -> Rows:
    """List the tags that any scenario may have and those of this suite, each with the number of its scenarios."""
    carried: dict[str, int] = {}
    for _, example in _examples():
        for tag in example.tags:
            carried[tag] = carried.get(tag, 0) + 1
    meanings = {**{tag: f"the area {name.replace('_', ' ')}" for tag, name in AREAS.items()}, **TAGS}
    others = sorted(tag for tag in carried if tag not in meanings and tag.startswith(("needs_", "REQ_", "TEST_")))
    meanings |= {tag: "a ticket" if tag.startswith(("REQ_", "TEST_")) else "a capability" for tag in others}
    return [{"tag": f"@{tag}", "meaning": text, "scenarios": carried.get(tag, 0)} for tag, text in meanings.items()]


_LISTS: dict[Kind, Callable[[], Rows]] = {
    Kind.REQUIREMENTS: _requirements,
    Kind.SCENARIOS: _scenarios,
    Kind.PHRASES: _phrases,
    Kind.FAULTS: _faults,
    Kind.TAGS: _tags,
}
