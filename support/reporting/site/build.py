"""Makes the pages and writes them. The site needs nothing but its own files: no server, no network, no script."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from support.faults.catalogue import CatalogueError, Fault, load_catalogue
from support.gherkin.dictionary import AREAS
from support.gherkin.documents import DocumentError, read_documents
from support.reporting.model import Record, grouped_reasons, write_atomically
from support.reporting.site.book import Binder, requirements_of
from support.reporting.site.explanations import Explanation, without_stack_trace
from support.reporting.site.reading import MatrixResults, ReadingError, read_matrix, read_record
from support.reporting.site.verdicts import BACKLOG, NOT_RUN, WORDS, counted, summarise, verdict_of
from support.reporting.site.views import AreaView, ExampleView, Outcome
from support.reporting.site.words import day_and_time, duration, facts, sentence
from support.reporting.text import safe

_TEMPLATES = Path(__file__).parent / "templates"
_PAGES = ("index", "requirements", "faults", "scope", "glossary")


class SiteError(Exception):
    """The site cannot be made; one sentence."""


@dataclass(frozen=True)
class FaultView:
    """`verdict` is what the last matrix said of it; None if it was not tried here. `examples` are (id, address)."""

    fault: Fault
    verdict: bool | None
    examples: tuple[tuple[str, str], ...]


def write_site(record_path: Path, features: Path, catalogue: Path, destination: Path) -> Path:
    """Write the site of one run into `destination` and return its start page.

    Evidence is looked for beside the record (`evidence/`), the results of the fault matrix as well
    (`faults/matrix.json`). Raises :class:`SiteError` for input that cannot be used, OSError for a folder that cannot
    be written.
    """
    try:
        record = read_record(record_path)
        documents = read_documents(features)
        faults = load_catalogue(catalogue)
        matrix = read_matrix(record_path.parent / "faults" / "matrix.json")
    except (ReadingError, DocumentError, CatalogueError) as error:
        raise SiteError(str(error)) from error
    except OSError as error:
        raise SiteError(f"{catalogue.name}: cannot be read: {error.strerror}") from error
    reports = Path(os.path.relpath(record_path.parent.resolve(), destination.resolve())).as_posix()
    areas = Binder(record, record_path.parent, f"{reports}/").areas(documents)
    pages = _pages(record, areas, faults, matrix)
    for name, text in pages.items():
        write_atomically(destination / name, text)
    for old in destination.glob("area-*.html"):
        if old.name not in pages:
            old.unlink()
    return destination / "index.html"


def _pages(
    record: Record, areas: list[AreaView], faults: Mapping[str, Fault], matrix: MatrixResults | None
) -> dict[str, str]:
    templates = _templates()
    outcomes = [outcome for area in areas for outcome in area.outcomes]
    common: dict[str, Any] = {
        "record": record,
        "areas": areas,
        "title_of_target": _target(record),
        "css": (_TEMPLATES / "style.css").read_text(encoding="utf-8"),
        "script": (_TEMPLATES / "find.js").read_text(encoding="utf-8"),
    }
    common |= {"css_hash": _hash(common["css"]), "script_hash": _hash(common["script"])}
    by_id = _addresses(areas)
    views = [_fault_view(fault, matrix, by_id) for fault in faults.values()]
    requirements = requirements_of(areas)
    own: dict[str, dict[str, Any]] = {
        "index": {
            "sentence": sentence(record, outcomes),
            "counts": counted(outcome.status for outcome in outcomes),
            "facts": facts(record),
            "bad": _grouped_failures(record, areas),
            "unrun": _grouped_unrun(record, areas),
            "by_id": by_id,
            "known": [(a, o) for a in areas for o in a.outcomes if o.status == "known_issue"],
            "suite_errors": [(error.where, without_stack_trace(error.message)) for error in record.suite_errors],
        },
        "requirements": {"requirements": requirements, "proofs": _proofs(views)},
        "faults": {
            "faults": _by_requirement(views),
            "sentences": {requirement.id: requirement.rules for requirement in requirements},
            "matrix": matrix,
            "total": len(views),
        },
        "scope": {"waiting": _waiting(areas), "empty_areas": _areas_without_feature(areas)},
        "glossary": {},
    }
    pages = {
        f"{name}.html": templates.get_template(f"{name}.html").render(**common, **own[name], here=f"{name}.html")
        for name in _PAGES
    }
    for area in areas:
        pages[area.page] = templates.get_template("area.html").render(**common, area=area, here=area.page)
    return pages


@functools.cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        # A name is somebody's text: markup in it is shown, never obeyed, and so are control characters.
        autoescape=True,
        finalize=lambda value: safe(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": day_and_time, "duration": duration, "summarise": summarise}
    environment.globals |= {"verdict_of": verdict_of, "words": WORDS}
    return environment


def _hash(text: str) -> str:
    """What the page's content security policy knows its one style sheet or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _target(record: Record) -> str:
    return str(record.fingerprint.get("title") or record.environment)


def _addresses(areas: list[AreaView]) -> dict[str, str]:
    """Id of an example or row -> where it stands in the site."""
    found = {outcome.id: f"{area.page}#{outcome.anchor}" for area in areas for outcome in area.outcomes}
    found |= {example.id: example.address for area in areas for example in area.examples}
    return found


def _grouped_failures(record: Record, areas: list[AreaView]) -> list[tuple[Outcome, list[tuple[str, str, str]]]]:
    """Each failure with its explanation once, in the order of the run: the first one is what failed first."""
    places = {o.id: (o, f"{area.page}#{o.anchor}") for area in areas for o in area.outcomes}
    groups: dict[tuple[str, Explanation | None], tuple[Outcome, list[tuple[str, str, str]]]] = {}
    for result in record.scenarios:
        if not result.is_bad or result.id not in places:
            continue
        outcome, address = places[result.id]
        # The same was seen, in whatever step.
        seen = replace(outcome.explanation, step="") if outcome.explanation else None
        groups.setdefault((outcome.status, seen), (outcome, []))[1].append((outcome.id, address, outcome.name))
    return list(groups.values())


def _grouped_unrun(record: Record, areas: list[AreaView]) -> list[tuple[str, list[str]]]:
    backlog = {o.id for area in areas for o in area.outcomes if o.status == BACKLOG}
    groups = {
        reason: [scenario_id for scenario_id in ids if scenario_id not in backlog]
        for reason, ids in grouped_reasons(record.scenarios).items()
    }
    unchosen = [o.id for area in areas for o in area.outcomes if o.status == NOT_RUN]
    told = [(without_stack_trace(reason), ids) for reason, ids in groups.items() if ids]
    told += [("not chosen for this run", unchosen)] if unchosen else []
    return told + ([("agreed but not built yet (backlog)", sorted(backlog))] if backlog else [])


def _fault_view(fault: Fault, matrix: MatrixResults | None, by_id: Mapping[str, str]) -> FaultView:
    examples = tuple((scenario_id, by_id.get(scenario_id, "")) for scenario_id in fault.scenarios)
    return FaultView(fault, matrix.caught.get(fault.id) if matrix else None, examples)


def _by_requirement(views: list[FaultView]) -> list[tuple[str, list[FaultView]]]:
    groups: dict[str, list[FaultView]] = {}
    for view in views:
        groups.setdefault(view.fault.requirement, []).append(view)
    return list(groups.items())


def _proofs(views: list[FaultView]) -> dict[str, int]:
    return {requirement: len(group) for requirement, group in _by_requirement(views)}


def _waiting(areas: list[AreaView]) -> list[tuple[str, list[ExampleView]]]:
    """Examples by the state that keeps them from counting; always has an entry for the backlog."""
    found: dict[str, list[ExampleView]] = {BACKLOG: [], "wip": [], "quarantine": []}
    for area in areas:
        for example in area.examples:
            if example.state:
                found[example.state].append(example)
    return [(state, examples) for state, examples in found.items() if examples or state == BACKLOG]


def _areas_without_feature(areas: list[AreaView]) -> list[str]:
    written = {area.name for area in areas if area.features}
    return [name.replace("_", " ") for name in AREAS.values() if name not in written]
