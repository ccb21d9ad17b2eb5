"""The languages of the site: English, as it is written here, and a gettext catalogue for each other one.

What is translated is the site's own words, the titles of areas, rules and requirements, and the glossary. Features,
faults and what a run has seen are shown as they were written, in English.
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
    """``code`` is that of BCP 47, ``name`` the language's own. ``locale`` is how CLDR writes its dates."""

    code: str
    name: str
    locale: str
    direction: str

    @property
    def folder(self) -> str:
        """Where its pages are, from the root of the site; empty for the root."""
        return "" if self == ENGLISH else f"{self.code}/"

    @property
    def root(self) -> str:
        """The root of the site, from its pages."""
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
    """Inside of the `with`, what is shown is shown in this language."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> Language:
    """The language that is shown now."""
    return _spoken.get()


def N_(text: str) -> str:  # the name that gettext's tools know
    """Marks a text for the catalogue; it is translated where it is shown."""
    return text


def gettext(text: str) -> str:
    """A text in the language that is shown now."""
    return _translations(spoken()).gettext(text) if text else ""


def ngettext(one: str, several: str, number: int) -> str:
    """One of two texts, by a number, in the language that is shown now."""
    return _translations(spoken()).ngettext(one, several, number)


def _(text: str, **values: Any) -> str:
    """A text with its values: ``_("on %(day)s", day="Monday")``."""
    return gettext(text) % values if values else gettext(text)


def _n(one: str, several: str, number: int, **values: Any) -> str:
    """A text for a number, which it names ``%(num)s``, with its other values."""
    return ngettext(one, several, number) % {"num": number, **values}


def original(text: Any) -> Markup:
    """A text as it was written, in English, whatever the page around it speaks."""
    return Markup("<span{}>{}</span>").format(english(), shown(text)) if spoken() != ENGLISH and text else shown(text)


def shown(text: Any) -> Markup:
    """What somebody else wrote, as text that is seen and not obeyed; markup of ours stays."""
    return text if isinstance(text, Markup) else escape(safe(str(text)))


def english() -> Markup:
    """The attributes of an element that is in English, where the page is not."""
    return Markup("") if spoken() == ENGLISH else _attributes(ENGLISH)


def spoken_here() -> Markup:
    """The attributes of an element inside of such a one that is in the language of the page again."""
    return Markup("") if spoken() == ENGLISH else _attributes(spoken())


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
