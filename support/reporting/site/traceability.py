"""The traceability table as a file: requirements, tickets, scenarios, last verdicts, and the faults that prove them."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import xlsxwriter

from support.fault_catalogue import Fault
from support.gherkin.dictionary import SAFETY
from support.reporting.history import History
from support.reporting.record.model import Record
from support.reporting.site.verdicts import BACKLOG, NO_EXAMPLE, summarise
from support.reporting.site.views import ExampleView, RequirementView

CSV, XLSX = "traceability.csv", "traceability.xlsx"
_WIDTHS = (12, 60, 24, 12, 60, 28, 16, 18, 18, 60)


@dataclass(frozen=True)
class TraceRow:
    """One scenario of a requirement, or a requirement without one. `needs` lists what an environment must have or
    permit. `date` is UTC. A scenario that was never run has neither date nor environment."""

    requirement: str
    title: str
    tickets: str
    scenario: str
    name: str
    needs: str
    verdict: str
    date: str
    environment: str
    faults: str


def trace_rows(
    requirements: Iterable[RequirementView], faults: Mapping[str, Fault], record: Record, history: History
) -> Iterator[TraceRow]:
    """Yield the rows in the order of the requirements."""
    last = _last(record, history)
    proofs: dict[str, list[str]] = {}
    for fault in faults.values():
        for name in dict.fromkeys(scenario.partition(".")[0] for scenario in fault.scenarios):
            proofs.setdefault(name, []).append(fault.id)
    for view in requirements:
        if not view.examples:
            yield TraceRow(view.id, view.title, "", "", "", "", NO_EXAMPLE.word, "", "", "")
        for example in view.examples:
            verdict, date, environment = last.get(example.id, ("not run", "", ""))
            yield TraceRow(
                view.id,
                view.title,
                ", ".join(example.tickets),
                example.id,
                example.text.name,
                ", ".join(_needs(example)),
                BACKLOG if example.state == BACKLOG else verdict,
                date,
                environment,
                ", ".join(proofs.get(example.id, ())),
            )


def as_csv(rows: Sequence[TraceRow]) -> str:
    """Return the rows as CSV with a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_headings())
    writer.writerows(astuple(row) for row in rows)
    return text.getvalue()


def as_xlsx(rows: Sequence[TraceRow], made: datetime.datetime) -> bytes:
    """Return the rows as an Excel workbook with a filter on each column. No text becomes a formula or a link."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        book.set_properties({"title": "Traceability", "created": made.astimezone(datetime.UTC).replace(tzinfo=None)})
        sheet = book.add_worksheet("Traceability")
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for column, (heading, width) in enumerate(zip(_headings(), _WIDTHS, strict=True)):
            sheet.set_column(column, column, width, wrapped)
            sheet.write_string(0, column, heading, bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(astuple(row)):
                sheet.write_string(number, column, cell)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(_WIDTHS) - 1)
    return content.getvalue()


def _headings() -> list[str]:
    return [field.name for field in fields(TraceRow)]


def _needs(example: ExampleView) -> list[str]:
    needs = [tag.removeprefix("needs_") for tag in example.text.tags if tag.startswith("needs_")]
    return needs + [f"permits {tag}" for tag in SAFETY if tag in example.text.tags]


def _last(record: Record, history: History) -> dict[str, tuple[str, str, str]]:
    """Return verdict, date and environment of the last run of each scenario, rows combined. This run overrides earlier
    ones."""
    found: dict[str, tuple[str, str, str]] = {}
    runs = [
        (entry.started, entry.environment, {name: str(seen.status) for name, seen in entry.scenarios.items()})
        for entry in history.entries
        if entry.ended != "not_started" and entry.started < record.started
    ]
    runs.append((record.started, record.environment, {one.id: one.status for one in record.scenarios}))
    for started, environment, statuses in runs:
        rows: dict[str, list[str]] = {}
        for name, status in statuses.items():
            rows.setdefault(name.partition(".")[0], []).append(status)
        for name, several in rows.items():
            if any(status != "skipped" for status in several):
                found[name] = (summarise(several).word, f"{started:%Y-%m-%d %H:%M}", environment)
    return found
