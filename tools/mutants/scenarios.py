"""The scenarios that judge a mutant, and the sandbox they run on."""

from __future__ import annotations

from support.config import load_environment
from support.files import PROJECT
from support.gherkin.documents import read_documents
from tools.fault_matrix.rows import Row, rows_of, rows_to_prove
from tools.mutants.runs import Settings


def sandbox_and_rows() -> tuple[Settings, list[Row]]:
    """Return the settings of the environment and the scenarios that run there. Scenarios that take long or measure
    response times are left out: with several sandboxes side by side, they would judge the machine."""
    environment = load_environment("sandbox")
    rows = rows_to_prove(rows_of(read_documents(PROJECT / "features")), environment)
    return environment.sandbox.settings, [row for row in rows if not _judges_the_machine(row)]


def _judges_the_machine(row: Row) -> bool:
    """A load counts as well as it measures, so it judges mutants although it runs alone."""
    return row.lasts or row.requirement[:2] == "PF" or ("alone" in row.tags and not row.is_load)
