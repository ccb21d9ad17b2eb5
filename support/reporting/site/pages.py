"""The values that the templates of the site's pages show."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.fault_catalogue import Fault
from support.gherkin.dictionary import TECHNICAL
from support.gherkin.glossary import CHECKS, PRODUCT, TAGS
from support.gherkin.requirements import Requirements
from support.reporting.capacity_report import CapacityReport
from support.reporting.causes import causes_of
from support.reporting.explanations import without_stack_trace
from support.reporting.facts import ticket_url
from support.reporting.first_steps import diagnosis_of, first_steps
from support.reporting.history import History, HistoryEntry
from support.reporting.history.changes import since_the_last_run
from support.reporting.record.model import Record, ScenarioResult, grouped_reasons
from support.reporting.record.reading import MatrixResults, MutantResults
from support.reporting.site.book import requirements_of
from support.reporting.site.language import _, original
from support.reporting.site.matrix import RequirementMatrix
from support.reporting.site.overview import overview_of
from support.reporting.site.search import everything
from support.reporting.site.traceability import TraceRow, trace_rows
from support.reporting.site.trends import trends_of
from support.reporting.site.verdicts import BACKLOG, NOT_RUN, counted
from support.reporting.site.views import AreaView, ExampleView, ScenarioOutcome
from support.reporting.site.words import asked, facts, sentence

_BEFORE = 10
"""The number of earlier runs listed on the start page."""


@dataclass(frozen=True)
class Sources:
    """The inputs of the site. `matrix` is None if no fault was tried, `mutants` if no mutant was tried."""

    record: Record
    areas: list[AreaView]
    faults: Mapping[str, Fault]
    matrix: MatrixResults | None
    history: History
    requirements: Requirements
    gap: GapView | None = None
    capacity: CapacityReport | None = None
    mutants: MutantResults | None = None


@dataclass(frozen=True)
class GapView:
    """The gap report of the run: its sentence and its address. The address is empty if it could not be read; `sentence`
    is the error then."""

    sentence: str
    address: str = ""
    target: int = 0
    achieved: int = 0


@dataclass(frozen=True)
class FaultView:
    """A fault. `verdict`: whether it was noticed in the last matrix, or None if it was not tried. `examples` are
    (id, address)."""

    fault: Fault
    verdict: bool | None
    examples: tuple[tuple[str, str], ...]


class Pages:
    """The values of all pages except the area pages, which show their `AreaView`."""

    def __init__(self, sources: Sources) -> None:
        self._record = sources.record
        self._areas = sources.areas
        self._sources = sources
        self._addresses = _addresses(sources.areas)
        self._faults = [self._fault_view(fault) for fault in sources.faults.values()]
        self._requirements = requirements_of(sources.areas, sources.requirements.titles)

    def common(self) -> dict[str, Any]:
        """Return the values that all pages share."""
        return {
            "record": self._record,
            "areas": self._areas,
            "title_of_target": str(self._record.fingerprint.get("title") or self._record.environment),
            "same_as": _same_as(self._record, self._addresses),
            "ticket_url": functools.partial(ticket_url, self._record),
        }

    def own(self) -> dict[str, dict[str, Any]]:
        """Return the values of each page by its name."""
        pages: dict[str, Callable[[], dict[str, Any]]] = {
            "index": self._start,
            "first": lambda: {"steps": first_steps(self._record, self._sources.capacity), "by_id": self._addresses},
            "requirements": self._requirement_matrix,
            "faults": self._fault_matrix,
            "trends": self._trends,
            "scope": self._scope,
            "glossary": lambda: {"product": PRODUCT, "checks": CHECKS, "tags": TAGS, "technical": TECHNICAL},
            "search": self._search,
        }
        return {name: make() for name, make in pages.items()}

    def traceability(self) -> Iterator[TraceRow]:
        """Yield the rows of the traceability table."""
        return trace_rows(self._requirements, self._sources.faults, self._record, self._sources.history)

    def _start(self) -> dict[str, Any]:
        record = self._record
        outcomes = [outcome for area in self._areas for outcome in area.outcomes]
        return {
            "sentence": sentence(record, outcomes),
            "counts": counted(outcome.status for outcome in outcomes),
            "facts": facts(record),
            "asked": asked(record.selection),
            "before": self._runs_before(),
            "gap": self._sources.gap,
            "diagnosis": diagnosis_of(record),
            "known_by_ticket": _by_ticket(record),
            "overview": overview_of(self._requirements, self._areas, _proven(self._faults, self._sources.matrix)),
            "changes": since_the_last_run(record, self._sources.history),
            "bad": _grouped_failures(record, self._areas),
            "unrun": _grouped_unrun(record, self._areas),
            "by_id": self._addresses,
            "known": [(a, o) for a in self._areas for o in a.outcomes if o.status == "known_issue"],
            "suite_errors": [(error.where, without_stack_trace(error.message)) for error in record.suite_errors],
        }

    def _requirement_matrix(self) -> dict[str, Any]:
        matrix = RequirementMatrix(self._record, self._sources.history)
        known = [view for view in self._requirements if view.title]
        return {
            "requirements": self._requirements,
            "total": len(known),
            "missing": sum(not view.examples for view in known),
            "matrix": matrix,
            "proofs": _proofs(self._faults),
        }

    def _fault_matrix(self) -> dict[str, Any]:
        return {
            "faults": _by_requirement(self._faults),
            "sentences": {requirement.id: requirement.title for requirement in self._requirements},
            "matrix": self._sources.matrix,
            "total": len(self._faults),
            "named_faults": Counter(view.fault.requirement for view in self._faults),
            "mutants": self._sources.mutants,
        }

    def _trends(self) -> dict[str, Any]:
        history = self._sources.history
        return {"trends": trends_of(history, self._record), "unreadable": history.unreadable, "by_id": self._addresses}

    def _scope(self) -> dict[str, Any]:
        return {
            "scope": self._sources.requirements.scope,
            "written": {area.name: area for area in self._areas if area.features},
            "waiting": _waiting(self._areas),
            "missing": [view for view in self._requirements if not view.examples],
        }

    def _search(self) -> dict[str, Any]:
        faults = [(view.fault.id, view.fault.notice, view.fault.requirement) for view in self._faults]
        return {"found": list(everything(self._areas, faults))}

    def _runs_before(self) -> tuple[HistoryEntry, ...]:
        """Return the last runs on this environment before this one, the newest first."""
        runs = self._sources.history.of(self._record.environment)
        earlier = [run for run in runs if run.started < self._record.started]
        return tuple(reversed(earlier[-_BEFORE:]))

    def _fault_view(self, fault: Fault) -> FaultView:
        matrix = self._sources.matrix
        examples = tuple((name, self._addresses.get(name, "")) for name in fault.scenarios)
        return FaultView(fault, matrix.caught.get(fault.id) if matrix else None, examples)


def _by_ticket(record: Record) -> list[tuple[str, list[str], list[str]]]:
    """Return each ticket of a known issue that failed, with its requirements and its scenarios."""
    found: dict[str, list[ScenarioResult]] = {}
    for scenario in record.scenarios:
        if scenario.status == "known_issue" and scenario.ticket:
            found.setdefault(scenario.ticket, []).append(scenario)
    return [
        (ticket, sorted({one.requirement or "none" for one in scenarios}), [one.id for one in scenarios])
        for ticket, scenarios in sorted(found.items())
    ]


def _addresses(areas: list[AreaView]) -> dict[str, str]:
    """Return id of an example or row -> its address in the site."""
    found = {outcome.id: f"{area.page}#{outcome.anchor}" for area in areas for outcome in area.outcomes}
    found |= {example.id: example.address for area in areas for example in area.examples}
    return found


def _same_as(record: Record, addresses: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return each further scenario of a cause -> id and address of the scenario that represents the cause."""
    return {
        scenario.id: (cause.first.id, addresses.get(cause.first.id, ""))
        for cause in causes_of(record)
        for scenario in cause.further
    }


def _grouped_failures(
    record: Record, areas: list[AreaView]
) -> list[tuple[ScenarioOutcome, list[tuple[str, str, str]]]]:
    """Return each cause as the outcome of its first scenario and all its scenarios as (id, address, name)."""
    places = {o.id: (o, f"{area.page}#{o.anchor}") for area in areas for o in area.outcomes}
    grouped = []
    for cause in causes_of(record):
        found = [places[scenario.id] for scenario in cause.scenarios if scenario.id in places]
        if found:
            grouped.append((found[0][0], [(outcome.id, address, outcome.name) for outcome, address in found]))
    return grouped


def _grouped_unrun(record: Record, areas: list[AreaView]) -> list[tuple[str, list[str]]]:
    backlog = {o.id for area in areas for o in area.outcomes if o.status == BACKLOG}
    groups = {
        reason: [scenario_id for scenario_id in ids if scenario_id not in backlog]
        for reason, ids in grouped_reasons(record.scenarios).items()
    }
    unchosen = [o.id for area in areas for o in area.outcomes if o.status == NOT_RUN]
    rows: list[tuple[str, list[str]]] = []
    rows += [(original(without_stack_trace(reason)), ids) for reason, ids in groups.items() if ids]
    rows += [(_("not chosen for this run"), unchosen)] if unchosen else []
    return rows + ([(_("agreed but not built yet (backlog)"), sorted(backlog))] if backlog else [])


def _by_requirement(views: list[FaultView]) -> list[tuple[str, list[FaultView]]]:
    groups: dict[str, list[FaultView]] = {}
    for view in views:
        groups.setdefault(view.fault.requirement, []).append(view)
    return list(groups.items())


def _proven(views: list[FaultView], matrix: MatrixResults | None) -> dict[str, bool] | None:
    """Return, by requirement, whether all its faults were noticed when last tried; None if no fault was tried."""
    if matrix is None:
        return None
    return {key: all(view.verdict for view in group) for key, group in _by_requirement(views)}


def _proofs(views: list[FaultView]) -> dict[str, int]:
    return {requirement: len(group) for requirement, group in _by_requirement(views)}


def _waiting(areas: list[AreaView]) -> list[tuple[str, list[ExampleView]]]:
    """Return examples by the state that excludes them from the count. The backlog always has an entry."""
    found: dict[str, list[ExampleView]] = {BACKLOG: [], "wip": [], "quarantine": []}
    for area in areas:
        for example in area.examples:
            if example.state:
                found[example.state].append(example)
    return [(state, examples) for state, examples in found.items() if examples or state == BACKLOG]
