"""``python -m tools.translations``: update the catalogues of the site with the texts to be translated.

New texts are added without a translation, and texts that are gone are removed; a test fails for both, so that none is
forgotten. Any editor of gettext catalogues opens the files: ``support/reporting/site/translations/*.po``.
"""

from __future__ import annotations

import datetime
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from support.files import PROJECT
from support.gherkin.dictionary import AREAS, TECHNICAL
from support.gherkin.documents import read_documents
from support.gherkin.glossary import CHECKS, PRODUCT, TAGS
from support.gherkin.requirements import read_requirements
from support.reporting.facts import area_title
from support.reporting.site.language import ENGLISH, LANGUAGES, Language

_SOURCES = PROJECT / "support" / "reporting"
_METHODS = [("**/site/**.py", "python"), ("**/site/templates/**.html", "jinja2")]
_OPTIONS = {"**/site/templates/**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "_n": (1, 2)}
_MADE = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
"""A fixed date: a date that changes with each run would change the file without a reason."""

_NOT_KEPT = (b'"Report-Msgid-Bugs-To:', b'"Last-Translator:', b'"Language-Team:', b'"Generated-By:')


def template() -> Catalog:
    """Return all texts to be translated."""
    catalogue = Catalog(project="focus-acceptance", version="", charset="utf-8", creation_date=_MADE)
    for _, _, message, comments, _ in extract_from_dir(_SOURCES, _METHODS, _OPTIONS, _KEYWORDS):
        catalogue.add(message, auto_comments=comments)
    for text, kind in _titles():
        catalogue.add(text, auto_comments=[kind])
    return catalogue


def _titles() -> Iterator[tuple[str, str]]:
    """Yield texts that are written elsewhere for people, each with its kind."""
    requirements = read_requirements()
    yield from ((area_title(folder), "area") for folder in AREAS.values())
    yield from ((title, f"requirement {name}") for name, title in requirements.titles.items())
    yield from ((line.sentence, "in scope") for line in requirements.scope.inside)
    yield from ((line, "out of scope") for line in requirements.scope.outside)
    for document in read_documents(PROJECT / "features"):
        yield from ((rule.name, "rule") for rule in document.rules if rule.name is not None)
    for term in (*PRODUCT, *CHECKS):
        yield from ((term.word, "word of the glossary"), (term.meaning, f"meaning of {term.word}"))
    yield from ((meaning, f"tag {tag}") for tag, meaning in TAGS.items())
    yield from ((what, "never named in a feature") for _, what in TECHNICAL)


def read(language: Language) -> Catalog:
    with language.catalogue.open("rb") as file:
        return read_po(file, locale=language.code)


def complete(message: Message) -> bool:
    """Whether each of its forms is translated, and none is marked as uncertain (fuzzy)."""
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return not message.fuzzy and all(forms)


def updated(language: Language) -> bytes:
    """Return the content of a language's catalogue: all texts to be translated, with the existing translations."""
    catalogue = read(language)
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.revision_date = _MADE
    content = io.BytesIO()
    write_po(content, catalogue, no_location=True, sort_output=True, ignore_obsolete=True, width=120)
    return b"".join(line for line in content.getvalue().splitlines(True) if not line.startswith(_NOT_KEPT))


def main() -> int:
    """Update all catalogues. The exit code is 1 if any text waits for its translation."""
    waiting = 0
    for language in LANGUAGES:
        if language != ENGLISH:
            language.catalogue.write_bytes(updated(language))
            missing = [message for message in read(language) if message.id and not complete(message)]
            waiting += len(missing)
            print(f"{Path(language.catalogue).relative_to(PROJECT)}: {len(missing)} texts wait for their translation")
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
