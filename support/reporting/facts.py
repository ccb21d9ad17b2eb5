"""Values that several reports read from a record: tickets, addresses, evidence paths, area titles, short facts."""

from __future__ import annotations

import re
from pathlib import PurePath, PurePosixPath
from typing import Any

from support.reporting.record.model import Record, ScenarioResult

_TICKET = re.compile(r"(?P<kind>REQ|TEST)_(?P<key>[A-Z]+-\d+)")


def tickets(scenario: ScenarioResult, kind: str) -> list[str]:
    """Return the ticket keys in a scenario's tags, sorted and unique. ``kind`` is ``REQ`` (requirement) or ``TEST``."""
    found = (match for tag in scenario.tags if (match := _TICKET.fullmatch(tag)) is not None)
    return sorted({match["key"] for match in found if match["kind"] == kind})


def ticket_url(record: Record, key: str) -> str | None:
    """Return the URL of a ticket, or None if the environment does not configure ``tickets_url``."""
    identity = record.fingerprint.get("configuration", {}).get("identity", {})
    base = identity.get("tickets_url")
    return f"{base}/{key}" if base else None


def inside_reports(path: str) -> PurePosixPath:
    """Return the path of an evidence file relative to the folder of its record, even if that folder was moved."""
    parts = PurePath(path.replace("\\", "/")).parts
    start = len(parts) - 1 - parts[::-1].index("evidence") if "evidence" in parts else len(parts) - 1
    return PurePosixPath(*parts[start:])


def area_title(area: str) -> str:
    """Return the title of an area: ``Job lifecycle`` for ``job_lifecycle``."""
    return area.replace("_", " ").capitalize()


def short_facts(record: Record) -> dict[str, str]:
    """Return the facts about the system under test that fit on one line of text."""
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
