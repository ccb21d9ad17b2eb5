"""Views of areas, features, rules and examples, with their outcomes, for the pages of the site."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from support.gherkin.documents import Block, Document, Example, Rule
from support.reporting.explanations import Explanation
from support.reporting.facts import area_title
from support.reporting.record.model import BAD_STATUSES
from support.reporting.site.language import _, gettext, original
from support.reporting.site.verdicts import (
    BACKLOG,
    NO_EXAMPLE,
    NOT_RUN,
    DisplayedVerdict,
    counted,
    summarise,
    verdict_of,
)

_TICKET = re.compile(r"(?:REQ|TEST)_(PZ-\d+)")
ROW_OR_LETTER = re.compile(r"[a-z](\.\d+)?$")
NO_REQUIREMENT = "none"


@dataclass(frozen=True)
class Evidence:
    """An evidence file. `address` is relative to the site, or empty if the file no longer exists."""

    name: str
    address: str


@dataclass(frozen=True)
class ScenarioOutcome:
    """The outcome of a scenario or of a row of an outline. `failed_step` counts from 0; None if no step failed.
    `rewritten`: the steps that ran are not those in the feature file now."""

    id: str
    anchor: str
    name: str
    status: str
    explanation: Explanation | None = None
    evidence: tuple[Evidence, ...] = ()
    failed_step: int | None = None
    rewritten: bool = False

    @property
    def verdict(self) -> DisplayedVerdict:
        return verdict_of(self.status)

    @property
    def is_bad(self) -> bool:
        return self.status in BAD_STATUSES

    @property
    def reason(self) -> str:
        """The reason why it was not run."""
        if self.status == NOT_RUN:
            return _("it was not chosen for this run")
        if self.status == BACKLOG:
            return _("it is agreed but not built yet")
        return original(self.explanation.text) if self.explanation else ""


@dataclass(frozen=True)
class BlockView:
    """One table of an outline, with the outcome of each row."""

    text: Block
    outcomes: tuple[ScenarioOutcome, ...]

    @property
    def rows(self) -> list[tuple[tuple[str, ...], ScenarioOutcome]]:
        """The cells of each row with its outcome."""
        return [(row.cells, outcome) for row, outcome in zip(self.text.rows, self.outcomes, strict=True)]


@dataclass(frozen=True)
class ExampleView:
    """An example as written, its place in the site, and its outcomes: one, or those of the rows in its tables."""

    text: Example
    page: str
    anchor: str
    outcomes: tuple[ScenarioOutcome, ...]
    blocks: tuple[BlockView, ...] = ()

    @property
    def id(self) -> str:
        """The id tag, or empty if there is none."""
        return self.text.id or ""

    @property
    def address(self) -> str:
        return f"{self.page}#{self.anchor}"

    @property
    def requirement(self) -> str:
        return ROW_OR_LETTER.sub("", self.id) if self.id else NO_REQUIREMENT

    @property
    def tickets(self) -> list[str]:
        return sorted({match.group(1) for tag in self.text.tags if (match := _TICKET.fullmatch(tag))})

    @property
    def verdict(self) -> DisplayedVerdict:
        return summarise(statuses_of([self])) if self.blocks else self.outcomes[0].verdict

    @property
    def state(self) -> str:
        """`backlog`, `wip` or `quarantine`, or empty."""
        return next((state for state in (BACKLOG, "wip", "quarantine") if state in self.text.tags), "")


@dataclass(frozen=True)
class RuleView:
    """A rule as written, with its examples."""

    text: Rule
    examples: tuple[ExampleView, ...]

    @property
    def verdict(self) -> DisplayedVerdict:
        return summarise(statuses_of(self.examples))


@dataclass(frozen=True)
class FeatureView:
    """A feature as written, with its rules."""

    text: Document
    anchor: str
    rules: tuple[RuleView, ...]

    @property
    def examples(self) -> list[ExampleView]:
        return [example for rule in self.rules for example in rule.examples]

    @property
    def verdict(self) -> DisplayedVerdict:
        return summarise(statuses_of(self.examples))


@dataclass
class AreaView:
    """An area. `orphans` were run, but are no longer in any feature."""

    name: str
    page: str
    features: list[FeatureView] = field(default_factory=list)
    orphans: list[ScenarioOutcome] = field(default_factory=list)

    @property
    def title(self) -> str:
        return gettext(area_title(self.name))

    @property
    def examples(self) -> list[ExampleView]:
        return [example for feature in self.features for example in feature.examples]

    @property
    def outcomes(self) -> list[ScenarioOutcome]:
        return [*(outcome for example in self.examples for outcome in example.outcomes), *self.orphans]

    @property
    def verdict(self) -> DisplayedVerdict:
        return summarise(outcome.status for outcome in self.outcomes)

    @property
    def counts(self) -> list[tuple[DisplayedVerdict, int]]:
        return counted(outcome.status for outcome in self.outcomes)


@dataclass(frozen=True)
class RequirementView:
    """A requirement with its rules and examples. `title` is empty for an id that is not in the list of requirements."""

    id: str
    title: str
    rules: tuple[str, ...]
    examples: tuple[ExampleView, ...]

    @property
    def verdict(self) -> DisplayedVerdict:
        return summarise(statuses_of(self.examples)) if self.examples else NO_EXAMPLE

    @property
    def tickets(self) -> list[str]:
        return sorted({ticket for example in self.examples for ticket in example.tickets})


def statuses_of(examples: Iterable[ExampleView]) -> list[str]:
    return [outcome.status for example in examples for outcome in example.outcomes]
