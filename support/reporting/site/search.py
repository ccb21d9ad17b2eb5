"""Everything that can be found: areas, rules, examples, faults and words, each with where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from support.gherkin.documents import Step
from support.gherkin.glossary import CHECKS, PRODUCT
from support.reporting.site.verdicts import DisplayedVerdict
from support.reporting.site.views import AreaView, ExampleView, FeatureView


@dataclass(frozen=True)
class Found:
    """One thing: `words` are looked through as well, but not shown."""

    kind: str
    title: str
    address: str
    place: str = ""
    words: str = ""
    verdict: DisplayedVerdict | None = None


def everything(areas: Iterable[AreaView], faults: Iterable[tuple[str, str, str]]) -> Iterator[Found]:
    """In the order of the site. `faults` are (id, notice, requirement)."""
    for area in areas:
        yield Found("area", area.title, area.page, verdict=area.verdict)
        for feature in area.features:
            yield from _of_feature(feature, area)
    for name, notice, requirement in faults:
        yield Found("fault", notice, f"faults.html#{name}", requirement, name)
    for term in (*PRODUCT, *CHECKS):
        yield Found("word", term.word, "glossary.html", term.meaning, " ".join(term.never))


def _of_feature(feature: FeatureView, area: AreaView) -> Iterator[Found]:
    prose = " ".join(feature.text.prose)
    yield Found("feature", feature.text.name, f"{area.page}#{feature.anchor}", area.title, prose, feature.verdict)
    for rule in feature.rules:
        for example in rule.examples:
            yield _of_example(example, rule.text.name or feature.text.name, area)


def _of_example(example: ExampleView, rule: str, area: AreaView) -> Found:
    words = [*example.tickets, *example.text.tags, *(_step(step) for step in example.text.steps)]
    words += [cell for block in example.text.blocks for row in block.rows for cell in row.cells]
    title = f"{example.id} {example.text.name}".strip()
    return Found("example", title, example.address, f"{area.title}: {rule}", " ".join(words), example.verdict)


def _step(step: Step) -> str:
    return f"{step.name} {step.text or ''}".strip()
