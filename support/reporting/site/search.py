"""The entries of the search page: areas, features, examples, faults and words, each with its address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from support.gherkin.documents import Step
from support.gherkin.glossary import CHECKS, PRODUCT
from support.reporting.site.language import N_, gettext, original
from support.reporting.site.verdicts import DisplayedVerdict
from support.reporting.site.views import AreaView, ExampleView, FeatureView
from support.reporting.text import safe


@dataclass(frozen=True)
class Found:
    """One entry of the search page. `words` are searched, but not shown."""

    kind: str
    title: str
    address: str
    place: str = ""
    words: str = ""
    verdict: DisplayedVerdict | None = None


def everything(areas: Iterable[AreaView], faults: Iterable[tuple[str, str, str]]) -> Iterator[Found]:
    """Yield all entries in the order of the site. `faults` are (id, notice, requirement)."""
    for area in areas:
        yield Found(N_("area"), area.title, area.page, words=area.name, verdict=area.verdict)
        for feature in area.features:
            yield from _of_feature(feature, area)
    for name, notice, requirement in faults:
        yield Found(N_("fault"), original(notice), f"faults.html#{name}", requirement, name)
    for term in (*PRODUCT, *CHECKS):
        words = " ".join((term.word, *term.never))
        yield Found(N_("word"), gettext(term.word), "glossary.html", gettext(term.meaning), words)


def _of_feature(feature: FeatureView, area: AreaView) -> Iterator[Found]:
    prose, title = " ".join(feature.text.prose), original(feature.text.name)
    yield Found(N_("feature"), title, f"{area.page}#{feature.anchor}", area.title, prose, feature.verdict)
    for rule in feature.rules:
        said = original(feature.text.name) if rule.text.name is None else gettext(safe(rule.text.name))
        for example in rule.examples:
            yield _of_example(example, said, area)


def _of_example(example: ExampleView, rule: str, area: AreaView) -> Found:
    words = [*example.tickets, *example.text.tags, *(_step(step) for step in example.text.steps)]
    words += [cell for block in example.text.blocks for row in block.rows for cell in row.cells]
    title = original(f"{example.id} {example.text.name}".strip())
    place = Markup("{}: {}").format(area.title, rule)
    return Found(N_("example"), title, example.address, place, " ".join(words), example.verdict)


def _step(step: Step) -> str:
    return f"{step.name} {step.text or ''}".strip()
