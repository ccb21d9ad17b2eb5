"""Combines many results into one verdict: of a rule, a feature, an area, or a requirement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from support.reporting.record.model import BAD_STATUSES
from support.reporting.site.language import N_, _, gettext

NOT_RUN = "not_run"
"""Neither passed nor failed: the run did not select it."""
BACKLOG = "backlog"
"""Agreed but not built yet; not counted as covered."""

WORDS = {
    "passed": N_("passed"),
    "failed": N_("failed"),
    "error": N_("error"),
    "skipped": N_("not run"),
    NOT_RUN: N_("not run"),
    "known_issue": N_("known issue"),
    "unexpected_pass": N_("unexpected pass"),
    BACKLOG: N_("backlog"),
}
ORDER = ("passed", "failed", "error", "unexpected_pass", "known_issue", "skipped", BACKLOG)


@dataclass(frozen=True)
class DisplayedVerdict:
    """A verdict as a page shows it. `kind` selects the style, `word` is the text, `note` adds details or is empty."""

    kind: str
    text: str
    note: str = ""

    @property
    def word(self) -> str:
        return gettext(self.text)


NO_EXAMPLE = DisplayedVerdict("missing", N_("no example yet"))
"""The verdict of a requirement without an example: neither passed nor failed."""


def verdict_of(status: str) -> DisplayedVerdict:
    """Return the verdict of a single example."""
    return DisplayedVerdict("skipped" if status == NOT_RUN else status, WORDS[status])


def summarise(statuses: Iterable[str]) -> DisplayedVerdict:
    """Combine statuses: failed if any is bad, otherwise known issue, passed or not run. Backlog counts only if there is
    nothing else."""
    counts = Counter(statuses)
    backlog = counts.pop(BACKLOG, 0)
    total = counts.total()
    unrun = counts["skipped"] + counts[NOT_RUN]
    bad = sum(counts[status] for status in BAD_STATUSES)
    if not total:
        return DisplayedVerdict(BACKLOG, WORDS[BACKLOG]) if backlog else DisplayedVerdict("skipped", "not run")
    missing = ", " + _("%(number)s not run", number=unrun) if unrun else ""
    if bad:
        return DisplayedVerdict("failed", "failed", _part(bad, total) + missing)
    if counts["known_issue"]:
        return DisplayedVerdict("known_issue", WORDS["known_issue"], _part(counts["known_issue"], total) + missing)
    if unrun == total:
        return DisplayedVerdict("skipped", "not run")
    note = _("%(part)s of %(total)s not run", part=unrun, total=total) if unrun else ""
    return DisplayedVerdict("passed", "passed", note)


def _part(part: int, total: int) -> str:
    return _("%(part)s of %(total)s", part=part, total=total)


def counted(statuses: Iterable[str]) -> list[tuple[DisplayedVerdict, int]]:
    """Return the number of each verdict in a fixed order, without zeros. Skipped and not selected count as one."""
    counts = Counter("skipped" if status == NOT_RUN else status for status in statuses)
    return [(verdict_of(status), counts[status]) for status in ORDER if counts[status]]
