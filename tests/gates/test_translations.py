"""The translation catalogues of the site are complete and contain nothing else.

They cover the texts of the site, the titles of areas, rules and requirements, and the words of the glossary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message

from support.reporting.site.language import ENGLISH, LANGUAGES, Language
from tools.translations import complete, read, template, updated

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
SCRIPTS = {"he": re.compile("[\u05d0-\u05ea]")}
SAME_EVERYWHERE = {"JSON", "HTTP"}
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\w+\}")
TEMPLATES = Path(__file__).resolve().parents[2] / "support/reporting/site/templates"
TRANSLATED = re.compile(r"{%-?\s*trans\b.*?{%-?\s*endtrans\s*-?%}|{{.*?}}|{%.*?%}|{#.*?#}", re.DOTALL)
BESIDE_FEATURES = {"Row", "of", "Table of the step", "@needs_...", "@REQ_..., @TEST_..."}
"""Texts in elements that are marked as English, as the features are."""
MARKUP = re.compile(r"</?(?!bdi\b)[a-z][^>]*>")


def forms(message: Message) -> list[tuple[str, str]]:
    """Each form of a message with its original."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return list(zip(message.id, message.string, strict=True))


def troubles(catalogue: Catalog, wanted: Catalog, code: str) -> Iterator[str]:
    """Errors in a catalogue."""
    known = {message.id for message in wanted if message.id}
    have = {message.id for message in catalogue if message.id}
    yield from (f"nobody shows {text!r}" for text in sorted(map(str, have - known)))
    yield from (f"{text!r} is not in it" for text in sorted(map(str, known - have)))
    for message in catalogue:
        if message.id in known:
            yield from (f"{message.id!r}: {trouble}" for trouble in _of(message, code))


def _of(message: Message, code: str) -> Iterator[str]:
    if not complete(message):
        yield "waits for its translation"
        return
    singular = not isinstance(message.id, str)
    for number, (text, translated) in enumerate(forms(message)):
        first_of_several = singular and number == 0  # it may use a word for "one" instead of the number
        wanted, found = sorted(PLACEHOLDER.findall(text)), sorted(PLACEHOLDER.findall(translated))
        if found != wanted and not (first_of_several and set(wanted) - set(found) <= {"%(num)s", "%(count)s"}):
            yield f"its places are {wanted}, those of its translation {found}"
        if sorted(MARKUP.findall(text)) != sorted(MARKUP.findall(translated)):
            yield "its markup is not that of its translation"
        if not SCRIPTS[code].search(translated) and text not in SAME_EVERYWHERE:
            yield f"{translated!r} is not in the language"


@pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.code)
def test_a_catalogue_is_complete(language: Language) -> None:
    assert list(troubles(read(language), template(), language.code)) == []


@pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.code)
def test_a_catalogue_is_as_the_tool_writes_it(language: Language) -> None:
    assert language.catalogue.read_bytes() == updated(language), "python -m tools.translations"


def test_the_catalogue_has_the_titles_of_areas_rules_and_requirements_and_the_glossary() -> None:
    texts = {message.id for message in template() if message.id}
    assert {"Job lifecycle", "Two open investigations never share a port", "200 jobs are open at one moment"} <= texts
    assert {"Stale recording", "Skip to the content", "no example yet"} <= texts


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"string": ""}, "'%(number)s not run': waits for its translation"),
        ({"string": "לא הורצו"}, "its places are ['%(number)s'], those of its translation []"),
        ({"string": "<b>%(number)s</b> לא הורצו"}, "its markup is not that of its translation"),
        ({"string": "%(number)s not run"}, "is not in the language"),
        ({"flags": {"fuzzy"}}, "'%(number)s not run': waits for its translation"),
        ({"id": "never shown"}, "nobody shows 'never shown'"),
        ({"id": "never shown"}, "'%(number)s not run' is not in it"),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_found(change: dict[str, Any], trouble: str) -> None:
    (language,) = OTHERS
    catalogue = read(language)
    message = catalogue.get("%(number)s not run")
    assert message is not None
    catalogue.delete(message.id)
    kept = {"id": message.id, "string": message.string, "flags": message.flags, **change}
    catalogue.add(kept["id"], kept["string"], flags=kept["flags"])
    assert any(trouble in found for found in troubles(catalogue, template(), language.code))


class Bare(HTMLParser):
    """Text in a template that does not come from a catalogue."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._tag = ""
        self.feed(TRANSLATED.sub(" ", template))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        for name, value in attrs:
            if name in ("aria-label", "title", "alt", "placeholder"):
                self.handle_data(value or "")

    def handle_data(self, data: str) -> None:
        if self._tag not in ("style", "script") and re.search("[A-Za-z]", data):
            self.texts.append(" ".join(data.split()))


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_whatever_a_template_says_can_be_translated(template: Path) -> None:
    assert set(Bare(template.read_text(encoding="utf-8")).texts) <= BESIDE_FEATURES


def test_a_text_that_cannot_be_translated_is_found() -> None:
    page = '<p title="Seen">{{ _("Yes") }} {% trans n=1 %}{{ n }} is{% endtrans %} <b>Looser:</b> {{ sentence }}</p>'
    assert Bare(page).texts == ["Seen", "Looser:"]
