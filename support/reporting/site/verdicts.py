"""One word for many results: of a rule, a feature, an area, a requirement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from support.reporting.record.model import BAD_STATUSES

NOT_RUN = "not_run"
"""Neither passed nor failed: it was not among what was asked for."""
BACKLOG = "backlog"
"""Agreed, not built; not counted as covered."""

WORDS = {
    "passed": "passed",
    "failed": "failed",
    "error": "error",
    "skipped": "not run",
    NOT_RUN: "not run",
    "known_issue": "known issue",
    "unexpected_pass": "unexpected pass",
    BACKLOG: "backlog",
}
ORDER = ("passed", "failed", "error", "unexpected_pass", "known_issue", "skipped", BACKLOG)


@dataclass(frozen=True)
class DisplayedVerdict:
    """`kind` chooses the look, `word` says it, `note` says what the word leaves out (or is empty)."""

    kind: str
    word: str
    note: str = ""


NO_EXAMPLE = DisplayedVerdict("missing", "no example yet")
"""Of a requirement that nothing shows: neither passed nor failed."""


def verdict_of(status: str) -> DisplayedVerdict:
    """The verdict of a single example."""
    return DisplayedVerdict("skipped" if status == NOT_RUN else status, WORDS[status])


def summarise(statuses: Iterable[str]) -> DisplayedVerdict:
    """Failed if anything is bad; otherwise known issue, passed or not run. What is backlog does not count."""
    counts = Counter(statuses)
    backlog = counts.pop(BACKLOG, 0)
    total = counts.total()
    unrun = counts["skipped"] + counts[NOT_RUN]
    bad = sum(counts[status] for status in BAD_STATUSES)
    if not total:
        return DisplayedVerdict(BACKLOG, WORDS[BACKLOG]) if backlog else DisplayedVerdict("skipped", "not run")
    missing = f", {unrun} not run" if unrun else ""
    if bad:
        return DisplayedVerdict("failed", "failed", f"{bad} of {total}{missing}")
    if counts["known_issue"]:
        return DisplayedVerdict("known_issue", WORDS["known_issue"], f"{counts['known_issue']} of {total}{missing}")
    if unrun == total:
        return DisplayedVerdict("skipped", "not run")
    return DisplayedVerdict("passed", "passed", f"{unrun} of {total} not run" if unrun else "")


def counted(statuses: Iterable[str]) -> list[tuple[DisplayedVerdict, int]]:
    """How many of each, in a fixed order, without zeros; both ways of not running count together."""
    counts = Counter("skipped" if status == NOT_RUN else status for status in statuses)
    return [(verdict_of(status), counts[status]) for status in ORDER if counts[status]]
