"""What several reports read from a record in the same way: tickets, addresses, evidence, areas, short facts."""

from __future__ import annotations

import re
from pathlib import PurePath, PurePosixPath
from typing import Any

from support.reporting.record.model import Record, ScenarioResult

_TICKET = re.compile(r"(?P<kind>REQ|TEST)_(?P<key>[A-Z]+-\d+)")


def tickets(scenario: ScenarioResult, kind: str) -> list[str]:
    """The keys of its tags of a kind: ``REQ`` for requirements, ``TEST`` for tests. In order, each once."""
    found = (match for tag in scenario.tags if (match := _TICKET.fullmatch(tag)) is not None)
    return sorted({match["key"] for match in found if match["kind"] == kind})


def ticket_url(record: Record, key: str) -> str | None:
    """Where a ticket is, if the environment says where tickets are."""
    identity = record.fingerprint.get("configuration", {}).get("identity", {})
    base = identity.get("tickets_url")
    return f"{base}/{key}" if base else None


def inside_reports(path: str) -> PurePosixPath:
    """The path of an evidence file from the folder of the record, wherever the run wrote it and whoever moved it."""
    parts = PurePath(path.replace("\\", "/")).parts
    start = len(parts) - 1 - parts[::-1].index("evidence") if "evidence" in parts else len(parts) - 1
    return PurePosixPath(*parts[start:])


def area_title(area: str) -> str:
    """``Job lifecycle`` for ``job_lifecycle``."""
    return area.replace("_", " ").capitalize()


def short_facts(record: Record) -> dict[str, str]:
    """What the run was made on, as far as it is a line of text."""
    found = {"environment": record.environment}
    for key, value in record.fingerprint.items():
        text = _line(value)
        if text and key not in ("title", "git_changes"):
            changed = key == "git" and record.fingerprint.get("git_changes")
            found[key] = f"{text} with changes" if changed else text
    return found


def _line(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str | int | float):
        return " ".join(str(value).split())
    return ""
