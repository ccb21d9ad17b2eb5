"""Reads the sources of the site and writes its pages. The site needs only its own files: no server, no network."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment

from support.fault_catalogue import CatalogueError, load_catalogue
from support.files import write_atomically
from support.gherkin.documents import DocumentError, read_documents
from support.gherkin.requirements import FILE as REQUIREMENTS
from support.gherkin.requirements import RequirementsError, read_requirements
from support.reporting.capacity_report import CapacityReport, CapacityReportError, capacity_report_of
from support.reporting.facts import area_title
from support.reporting.history import read_history
from support.reporting.history.flaky import named
from support.reporting.pages import templates_in
from support.reporting.record.model import Record
from support.reporting.record.reading import ReadingError, read_matrix, read_mutants
from support.reporting.site.book import Binder
from support.reporting.site.language import (
    ENGLISH,
    LANGUAGES,
    Language,
    english,
    gettext,
    ngettext,
    original,
    shown,
    speaking,
    spoken_here,
)
from support.reporting.site.pages import GapView, Pages, Sources
from support.reporting.site.traceability import CSV, XLSX, as_csv, as_xlsx
from support.reporting.site.verdicts import WORDS, summarise, verdict_of
from support.reporting.site.words import CHANGES, day_and_time, duration, short_day

_TEMPLATES = Path(__file__).parent / "templates"


class SiteError(Exception):
    """The site cannot be made. The message is one sentence."""


def write_site(
    record: Record,
    beside: Path,
    features: Path,
    catalogue: Path,
    destination: Path,
    runs: Path | None = None,
    requirements: Path = REQUIREMENTS,
) -> Path:
    """Write the site of one run into `destination` and return its start page.

    `beside` is the folder of the record. It holds its evidence (`evidence/`) and its gap report. `runs` (default:
    `beside`) holds the results of the fault matrix (`faults/matrix.json`) and of mutants (`mutants/mutants.json`), and
    the earlier runs (`history/`). Without results of mutants there, those kept beside the catalogue are used.

    Raises :class:`SiteError` for input that cannot be used, OSError for a folder that cannot be written.
    """
    try:
        documents = read_documents(features)
        reports = Path(os.path.relpath(beside.resolve(), destination.resolve())).as_posix()
        known = load_catalogue(catalogue)
        matrix = read_matrix((runs or beside) / "faults" / "matrix.json")
        history = read_history((runs or beside) / "history")
        titles = read_requirements(requirements)
        tried = read_mutants((runs or beside) / "mutants" / "mutants.json")
        mutants = tried or read_mutants(catalogue.with_name("mutants.json"))
    except (ReadingError, DocumentError, CatalogueError, RequirementsError) as error:
        raise SiteError(str(error)) from error
    except OSError as error:
        raise SiteError(f"{catalogue.name}: cannot be read: {error.strerror}") from error

    def sources(language: Language) -> Sources:
        """Return the sources, which differ between languages only in the relative path to files outside the site."""
        address = f"{language.root}{reports}/"
        areas = Binder(record, beside, address).areas(documents)
        gap, capacity = _gap(record, beside, address), _capacity(record, beside)
        return Sources(record, areas, known, matrix, history, titles, gap, capacity, mutants)

    for language in LANGUAGES:
        with speaking(language):
            _write_pages(_rendered(sources(language), language), destination / language.folder)
    rows = list(Pages(sources(ENGLISH)).traceability())
    write_atomically(destination / CSV, as_csv(rows))
    (destination / XLSX).write_bytes(as_xlsx(rows, record.finished))
    return destination / "index.html"


def prepare() -> None:
    """Compile the templates, which takes as long as writing the pages of a short run. `write_site` reports a template
    that cannot be read."""
    with contextlib.suppress(OSError):
        for name in (templates := _templates()).list_templates(extensions=["html"]):
            templates.get_template(name)


def _write_pages(pages: dict[str, str], folder: Path) -> None:
    """Write the pages of one language and delete pages of areas that no longer exist."""
    for name, text in pages.items():
        write_atomically(folder / name, text)
    for old in folder.glob("area-*.html"):
        if old.name not in pages:
            old.unlink()


def _gap(record: Record, beside: Path, reports: str) -> GapView | None:
    """Return the gap report of the run as a view, or None. The address is its HTML page if it exists, else its data."""
    try:
        found = capacity_report_of(record, beside)
    except CapacityReportError as error:
        return GapView(str(error))
    if found is None:
        return None
    page = found.path.with_suffix(".html")
    return GapView(
        found.sentence,
        f"{reports}{quote((page if page.is_file() else found.path).name)}",
        found.target_jobs,
        found.achieved_jobs,
    )


def _capacity(record: Record, beside: Path) -> CapacityReport | None:
    """Return the gap report of the run, or None. `_gap` shows the error for one that cannot be read."""
    try:
        return capacity_report_of(record, beside)
    except CapacityReportError:
        return None


def _rendered(sources: Sources, language: Language) -> dict[str, str]:
    """Return the text of each page by its file name."""
    templates = _templates()
    pages = Pages(sources)
    common: dict[str, Any] = {
        **pages.common(),
        "language": language,
        "others": [other for other in LANGUAGES if other != language],
        "css": (_TEMPLATES / "style.css").read_text(encoding="utf-8"),
        "script": (_TEMPLATES / "find.js").read_text(encoding="utf-8"),
    }
    common |= {"css_hash": _hash(common["css"]), "script_hash": _hash(common["script"])}
    found = {
        f"{name}.html": templates.get_template(f"{name}.html").render(**common, **own, here=f"{name}.html")
        for name, own in pages.own().items()
    }
    for area in sources.areas:
        found[area.page] = templates.get_template("area.html").render(**common, area=area, here=area.page)
    return found


@functools.cache
def _templates() -> Environment:
    environment = templates_in(_TEMPLATES)
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]  # of i18n
    environment.filters |= {
        "t": gettext,
        "original": original,
        "shown": shown,
        "moment": day_and_time,
        "short_day": short_day,
        "duration": duration,
        "summarise": summarise,
        "revision": named,
        "area_title": lambda area: gettext(area_title(area)),
    }
    environment.globals |= {
        "verdict_of": verdict_of,
        "words": WORDS,
        "change_words": CHANGES,
        "english": english,
        "spoken_here": spoken_here,
    }
    return environment


def _hash(text: str) -> str:
    """Return the hash with which a page's content security policy allows its style sheet or its script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
