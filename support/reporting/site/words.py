"""Sentences, times and facts in everyday language."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any

from babel.dates import format_date

from support.reporting.record.model import Record, Selection
from support.reporting.site.language import N_, _, _n, gettext, spoken
from support.reporting.site.verdicts import BACKLOG
from support.reporting.site.views import ScenarioOutcome

_NAMES = {
    "focus_server": "Focus Server",
    "kubernetes": "Kubernetes",
    "mongodb": "MongoDB",
    "python": "Python",
    "git": N_("Revision of the suite"),
    "nodes": N_("Nodes"),
    "clocks": N_("Clocks"),
    "looser_limits": N_("Looser limits"),
    "sandbox": N_("Changed on purpose"),
}
CHANGES = {
    "newly failing": N_("newly failing"),
    "fixed": N_("fixed"),
    "new": N_("new"),
    "gone": N_("gone"),
}
"""The displayed names of the lists of ``ChangesSince``."""
_HIDDEN = frozenset({"title", "configuration", "git_changes"})
_SHORT_REVISION = 10


def day_and_time(moment: datetime.datetime) -> str:
    """Format a time as `21 November 2026, 06:19 UTC`, in the language of the page, not in that of the machine."""
    utc = moment.astimezone(datetime.UTC)
    return f"{format_date(utc, 'long', spoken().locale)}, {utc:%H:%M} UTC"


def short_day(moment: datetime.datetime) -> str:
    """Format a time as `21 Nov 2026, 06:19`, in UTC and in the language of the page."""
    utc = moment.astimezone(datetime.UTC)
    return f"{format_date(utc, 'd MMM y', spoken().locale)}, {utc:%H:%M}"


def duration(seconds: float) -> str:
    """Format a duration: `3 minutes 5 seconds`, `12 seconds`, `less than a second`."""
    whole = round(seconds)
    if whole < 1:
        return _("less than a second")
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        (hours, _n("%(num)s hour", "%(num)s hours", hours)),
        (minutes, _n("%(num)s minute", "%(num)s minutes", minutes)),
        (rest, _n("%(num)s second", "%(num)s seconds", rest)),
    ]
    return " ".join(text for number, text in parts if number)


def sentence(record: Record, outcomes: Iterable[ScenarioOutcome]) -> str:
    """Return the verdict of the run in one sentence, for readers who read nothing else."""
    counts = Counter(scenario.status for scenario in record.scenarios)
    ran = len([scenario for scenario in record.scenarios if scenario.ran])
    if record.verdict == "passed":
        written = sum(outcome.status != BACKLOG for outcome in outcomes)
        return _passed(ran, written, counts)
    examples = _n("%(num)s example", "%(num)s examples", ran)
    bad = {
        "failed": _n(
            "%(num)s of %(examples)s does not hold",
            "%(num)s of %(examples)s do not hold",
            counts["failed"],
            examples=examples,
        ),
        "error": _n(
            "%(num)s of %(examples)s could not be judged",
            "%(num)s of %(examples)s could not be judged",
            counts["error"],
            examples=examples,
        ),
        "unexpected_pass": _n(
            "%(num)s of %(examples)s holds although listed as a known issue",
            "%(num)s of %(examples)s hold although listed as known issues",
            counts["unexpected_pass"],
            examples=examples,
        ),
    }
    reasons = [text for status, text in bad.items() if counts[status]]
    troubles, left = len(record.suite_errors), len(record.leftovers)
    if troubles:
        reasons.append(
            _n("%(num)s trouble outside of the examples", "%(num)s troubles outside of the examples", troubles)
        )
    if left:
        reasons.append(_n("%(num)s thing left behind", "%(num)s things left behind", left))
    return _("Failed: %(reasons)s.", reasons="; ".join(reasons)) if reasons else _("Failed: nothing was run.")


def _passed(ran: int, written: int, counts: Counter[str]) -> str:
    known = counts["known_issue"]
    if ran == counts["passed"]:
        holds = _("all %(ran)s examples that were run hold", ran=ran)
    elif known:
        holds = _("%(ran)s examples were run, %(known)s of them failing as known", ran=ran, known=known)
    else:
        holds = _("%(ran)s examples were run", ran=ran)
    if ran == written:
        return _("Passed: %(holds)s.", holds=holds)
    return _(
        "Passed: %(holds)s; %(rest)s of %(written)s were not run.", holds=holds, rest=written - ran, written=written
    )


def asked(selection: Selection) -> str:
    """Describe the selection of a run in words; empty for a run without one."""
    parts = [_("tags %(tags)s", tags=selection.tags)] if selection.tags else []
    parts += [_("names %(names)s", names=", ".join(selection.names))] if selection.names else []
    return "; ".join([*parts, _("in %(paths)s", paths=", ".join(selection.paths))] if selection.paths else parts)


def facts(record: Record) -> list[tuple[str, str]]:
    """Return the short facts about the environment, such as versions and nodes. The configuration is left out, because
    only engineers need it."""
    rows: list[tuple[str, str]] = []
    for key, value in record.fingerprint.items():
        if key in _HIDDEN or not (text := _short(value)):
            continue
        name = gettext(_NAMES.get(key) or str(key).replace("_", " ").capitalize())
        rows.append((name, _revision(record) if key == "git" else text))
    return rows


def _revision(record: Record) -> str:
    changed = " with changes" if record.fingerprint.get("git_changes") else ""
    return f"{str(record.fingerprint['git'])[:_SHORT_REVISION]}{changed}"


def _short(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(str(item) for item in value)
    return ""
