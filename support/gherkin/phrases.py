"""The vocabulary: the phrases of all step definitions, grouped by the noun that names their module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave import step_registry
from behave.runner_util import load_step_modules

from support.gherkin.documents import Step, read_documents


@dataclass(frozen=True)
class Phrase:
    """A phrase. ``text`` begins with its keyword. ``uses`` counts the steps that match, those of an outline once."""

    noun: str
    text: str
    place: str
    uses: int


def phrases_of(steps: Path, *features: Path) -> list[Phrase]:
    """Return all phrases, sorted by noun. Loads the step modules as behave does. Raises DocumentError."""
    step_registry.registry.clear()
    load_step_modules([str(steps)])
    texts = [step.name for folder in features for step in _written(folder)]
    found = [
        Phrase(
            Path(definition.location.filename).stem.removesuffix("_steps"),
            f"{kind.capitalize()} {definition.pattern}",
            f"{Path(definition.location.filename).parent.name}/{Path(definition.location.filename).name}"
            f":{definition.location.line}",
            sum(_matches(definition, text) for text in texts),
        )
        for kind, definitions in step_registry.registry.steps.items()
        for definition in definitions
    ]
    return sorted(found, key=lambda phrase: (phrase.noun, ("G", "W", "T").index(phrase.text[0]), phrase.text))


def _matches(definition: Any, text: str) -> bool:
    return definition.match(text) is not None


def _written(features: Path) -> list[Step]:
    return [
        step
        for document in read_documents(features)
        for step in (
            *document.background,
            *(step for rule in document.rules for step in rule.background),
            *(
                step
                for rule in document.rules
                for example in rule.examples
                for step in _first(example.steps, example.blocks)
            ),
        )
    ]


def _first(steps: tuple[Step, ...], blocks: Any) -> tuple[Step, ...]:
    """Return the steps of an example, or those of an outline's first row, with its values filled in."""
    return next((row.steps for block in blocks for row in block.rows), steps)
