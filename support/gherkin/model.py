"""The model of the lint: a parsed feature file, its scenarios and backgrounds, and the findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class LintFinding:
    """One violation: its place, the rule, and what to do about it."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} {self.message}"


@dataclass(frozen=True)
class FeatureFile:
    """A feature file as behave parsed it. `feature` is None for a file without a feature."""

    path: Path
    feature: Any

    def finding(self, line: int, rule: str, message: str) -> LintFinding:
        return LintFinding(str(self.path), line, rule, message)

    def rules(self) -> list[Any]:
        return [item for item in self.feature.run_items if item.type == "rule"]

    def scenarios(self) -> list[Any]:
        """Return scenarios and outlines (not their rows) in order."""
        found: list[Any] = []
        for item in self.feature.run_items:
            found += item.run_items if item.type == "rule" else [item]
        return found

    def backgrounds(self) -> list[Any]:
        return [item.background for item in (self.feature, *self.rules()) if item.background is not None]

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield each text with its line number: titles, descriptions, steps, cells."""
        for item in (self.feature, *self.rules(), *self.scenarios()):
            yield item.line, item.name
            for line in item.description:
                yield item.line, line
        for owner in (*self.backgrounds(), *self.scenarios()):
            for step in owner.steps:
                yield step.line, step.name
                yield from _step_texts(step)
        for scenario in self.scenarios():
            for examples in examples_of(scenario):
                yield examples.line, examples.name
                yield from table_texts(examples.table)


def examples_of(scenario: Any) -> list[Any]:
    return list(scenario.examples) if scenario.type == "scenario_outline" else []


def table_texts(table: Any) -> Iterator[tuple[int, str]]:
    for row in table.rows if table is not None else ():
        for cell in row.cells:
            yield row.line, cell


def _step_texts(step: Any) -> Iterator[tuple[int, str]]:
    yield from table_texts(step.table)
    if step.text is not None:
        yield step.line, str(step.text)
