"""Feature files as plain values for display: prose, rules, examples and rows, without results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave.parser import ParserError, parse_file

from support.gherkin.dictionary import ID_TAG
from support.gherkin.model import examples_of


def feature_files(paths: Iterable[Path]) -> list[Path]:
    """Return the feature files below folders; a path to a file stands for itself. Raises FileNotFoundError."""
    found: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"no such file or folder: {path}")
        found.update(path.rglob("*.feature") if path.is_dir() else [path])
    return sorted(found)


class DocumentError(Exception):
    """The features cannot be read. The message is one sentence."""


@dataclass(frozen=True)
class Table:
    """A table with cells as text. All rows have the length of `headings`."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Step:
    """A step. `keyword` is as written: Given, When, Then, And, But."""

    keyword: str
    name: str
    table: Table | None = None
    text: str | None = None


@dataclass(frozen=True)
class OutlineRow:
    """One row of an outline. `number` counts over all its examples from 1; `steps` have the row's values filled in."""

    number: int
    line: int
    cells: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Block:
    """One `Examples:` table of an outline."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[OutlineRow, ...]


@dataclass(frozen=True)
class Example:
    """A scenario, or an outline, which has `blocks`. `id` is its id tag; `tags` are effective, without @, sorted."""

    id: str | None
    name: str
    prose: tuple[str, ...]
    line: int
    tags: tuple[str, ...]
    steps: tuple[Step, ...]
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A rule with its examples. `name` is None for examples outside of any rule."""

    name: str | None
    prose: tuple[str, ...]
    background: tuple[Step, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Document:
    """One feature file. `place` is always `features/<area>/<file>`, even if it was read from another folder."""

    place: str
    area: str
    name: str
    prose: tuple[str, ...]
    background: tuple[Step, ...]
    rules: tuple[Rule, ...]


def read_documents(features: Path) -> list[Document]:
    """Read all features below a folder, in the order of their paths. Raises :class:`DocumentError`."""
    try:
        paths = feature_files([features])
        parsed = [(path, parse_file(str(path))) for path in paths]
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise DocumentError(f"the features cannot be read: {error}") from error
    except ParserError as error:
        raise DocumentError(f"a feature cannot be parsed: {' '.join(str(error).split())}") from error
    return [_document(path, features, feature) for path, feature in parsed if feature is not None]


def _document(path: Path, features: Path, feature: Any) -> Document:
    inside = path.relative_to(features) if path != features else Path(path.name)
    loose = [item for item in feature.run_items if item.type != "rule"]
    rules = [Rule(None, (), (), _examples(loose))] if loose else []
    rules += [
        Rule(str(rule.name), _prose(rule), _steps_of(rule.background), _examples(rule.run_items))
        for rule in feature.run_items
        if rule.type == "rule"
    ]
    return Document(
        place=f"features/{inside.as_posix()}",
        area=inside.parent.name or "features",
        name=str(feature.name),
        prose=_prose(feature),
        background=_steps_of(feature.background),
        rules=tuple(rules),
    )


def _examples(scenarios: Iterable[Any]) -> tuple[Example, ...]:
    return tuple(_example(scenario) for scenario in scenarios)


def _example(scenario: Any) -> Example:
    tags = sorted({str(tag) for tag in scenario.effective_tags})
    own = [str(tag) for tag in scenario.tags]
    return Example(
        id=next((tag for tag in own if ID_TAG.fullmatch(tag)), None),
        name=str(scenario.name),
        prose=_prose(scenario),
        line=int(scenario.line),
        tags=tuple(tags),
        steps=_steps(scenario.steps),
        blocks=_blocks(scenario),
    )


def _blocks(outline: Any) -> tuple[Block, ...]:
    blocks: list[Block] = []
    rows = iter(outline.scenarios if outline.type == "scenario_outline" else ())
    number = 0
    for examples in examples_of(outline):
        if examples.table is None:
            continue
        made = []
        # behave creates one scenario for each row, in the order of the tables.
        for row, scenario in zip(examples.table.rows, rows, strict=False):
            number += 1
            made.append(OutlineRow(number, int(row.line), _cells(row.cells), _steps(scenario.steps)))
        blocks.append(Block(str(examples.name), _cells(examples.table.headings), tuple(made)))
    return tuple(blocks)


def _steps_of(background: Any) -> tuple[Step, ...]:
    return _steps(background.steps) if background is not None else ()


def _steps(steps: Sequence[Any]) -> tuple[Step, ...]:
    return tuple(
        Step(str(step.keyword), str(step.name), _table(step.table), None if step.text is None else str(step.text))
        for step in steps
    )


def _table(table: Any) -> Table | None:
    return None if table is None else Table(_cells(table.headings), tuple(_cells(row.cells) for row in table.rows))


def _cells(cells: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(cell) for cell in cells)


def _prose(element: Any) -> tuple[str, ...]:
    return tuple(str(line) for line in element.description)
