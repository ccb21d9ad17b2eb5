"""The languages of the site: English, as written in the code, and a gettext catalogue for each other language.

The site's own words, the titles of areas, rules and requirements, and the glossary are translated. Features, faults and
the findings of a run are shown in English, as they were written.
"""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from support.reporting.text import safe

CATALOGUES = Path(__file__).parent / "translations"


@dataclass(frozen=True)
class Language:
    """A language of the site: its BCP 47 ``code``, its own ``name``, and the CLDR ``locale`` of its dates."""

    code: str
    name: str
    locale: str
    direction: str

    @property
    def folder(self) -> str:
        """The folder of its pages, relative to the root of the site; empty for the root itself."""
        return "" if self == ENGLISH else f"{self.code}/"

    @property
    def root(self) -> str:
        """The root of the site, relative to its pages."""
        return "../" if self.folder else ""

    @property
    def catalogue(self) -> Path:
        return CATALOGUES / f"{self.code}.po"


ENGLISH = Language("en", "English", "en_GB", "ltr")
HEBREW = Language("he", "עברית", "he", "rtl")
LANGUAGES = (ENGLISH, HEBREW)
_spoken: ContextVar[Language] = ContextVar("spoken", default=ENGLISH)


@contextlib.contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Set the language of the pages inside a `with` block."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> Language:
    """Return the current language."""
    return _spoken.get()


def N_(text: str) -> str:  # the name that gettext's tools look for
    """Mark a text for the catalogue. It is translated where it is shown."""
    return text


def gettext(text: str) -> str:
    """Translate a text into the current language."""
    return _translations(spoken()).gettext(text) if text else ""


def ngettext(one: str, several: str, number: int) -> str:
    """Translate the singular or plural text for a number into the current language."""
    return _translations(spoken()).ngettext(one, several, number)


def _(text: str, **values: Any) -> str:
    """Translate a text and fill in its values: ``_("on %(day)s", day="Monday")``."""
    return gettext(text) % values if values else gettext(text)


def _n(one: str, several: str, number: int, **values: Any) -> str:
    """Translate a text for a number and fill in the number as ``%(num)s`` and the other values."""
    return ngettext(one, several, number) % {"num": number, **values}


def original(text: Any) -> Markup:
    """Return an untranslated text, marked as English on pages in another language."""
    # Both parts are markup already; Markup.format would escape them once more, at ten times the price.
    return Markup(f"<span{english()}>{shown(text)}</span>") if spoken() != ENGLISH and text else shown(text)


def shown(text: Any) -> Markup:
    """Escape a text from outside, so that it is displayed and not interpreted. The site's own Markup is kept."""
    return text if isinstance(text, Markup) else escape(safe(str(text)))


def english() -> Markup:
    """Return the attributes of an English element on a page in another language; empty on an English page."""
    return Markup("") if spoken() == ENGLISH else _attributes(ENGLISH)


def spoken_here() -> Markup:
    """Return the attributes of an element in the language of the page, inside an element marked with `english`."""
    return Markup("") if spoken() == ENGLISH else _attributes(spoken())


@functools.cache
def _attributes(language: Language) -> Markup:
    return Markup(' lang="{}" dir="{}"').format(language.code, language.direction)


@functools.cache
def _translations(language: Language) -> NullTranslations:
    if language == ENGLISH:
        return NullTranslations()
    compiled = io.BytesIO()
    with language.catalogue.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.code))
    compiled.seek(0)
    return GNUTranslations(compiled)
