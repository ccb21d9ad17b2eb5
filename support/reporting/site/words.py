"""Sentences, times and facts as people say them."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any

from support.reporting.record.model import Record, Selection
from support.reporting.site.verdicts import BACKLOG
from support.reporting.site.views import ScenarioOutcome

_NAMES = {
    "kubernetes": "Kubernetes",
    "git": "Revision of the suite",
    "focus_server": "Focus Server",
    "sandbox": "Changed on purpose",
}
_HIDDEN = frozenset({"title", "configuration", "git_changes"})
_SHORT_REVISION = 10
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day_and_time(moment: datetime.datetime) -> str:
    """`21 November 2026, 06:19 UTC`, whatever the language of the machine."""
    utc = moment.astimezone(datetime.UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"


def short_day(moment: datetime.datetime) -> str:
    """`21 Nov 2026, 06:19`."""
    utc = moment.astimezone(datetime.UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1][:3]} {utc.year}, {utc:%H:%M}"


def duration(seconds: float) -> str:
    """`3 minutes 5 seconds`, `12 seconds`, `less than a second`."""
    whole = round(seconds)
    if whole < 1:
        return "less than a second"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [number_of(hours, "hour"), number_of(minutes, "minute"), number_of(rest, "second")]
    return " ".join(part for part in parts if not part.startswith("0 "))


def number_of(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sentence(record: Record, outcomes: Iterable[ScenarioOutcome]) -> str:
    """The verdict of the run, for people who read nothing else."""
    counts = Counter(scenario.status for scenario in record.scenarios)
    written = sum(outcome.status != BACKLOG for outcome in outcomes)
    ran = len([scenario for scenario in record.scenarios if scenario.ran])
    if record.verdict == "passed":
        aside = f", {counts['known_issue']} of them failing as known" if counts["known_issue"] else ""
        holds = (
            f"all {ran} examples that were run hold" if ran == counts["passed"] else f"{ran} examples were run{aside}"
        )
        return f"Passed: {holds}." if ran == written else f"Passed: {holds}; {written - ran} of {written} were not run."
    told = [
        f"{counts[status]} of {number_of(ran, 'example')} {text if counts[status] != 1 else one}"
        for status, text, one in (
            ("failed", "do not hold", "does not hold"),
            ("error", "could not be judged", "could not be judged"),
            ("unexpected_pass", "hold although listed as known issues", "holds although listed as a known issue"),
        )
        if counts[status]
    ]
    if record.suite_errors:
        told.append(f"{number_of(len(record.suite_errors), 'trouble')} outside of the examples")
    if record.leftovers:
        told.append(f"{number_of(len(record.leftovers), 'thing')} left behind")
    if not told:
        return "Failed: nothing was run."
    return f"Failed: {'; '.join(told)}."


def asked(selection: Selection) -> str:
    """What a run was asked for, in words."""
    parts = [f"tags {selection.tags}"] if selection.tags else []
    parts += [f"names {', '.join(selection.names)}"] if selection.names else []
    return "; ".join([*parts, f"in {', '.join(selection.paths)}"] if selection.paths else parts)


def facts(record: Record) -> list[tuple[str, str]]:
    """What the environment was, as far as it is short: versions, nodes. The configuration is for engineers."""
    told: list[tuple[str, str]] = []
    for key, value in record.fingerprint.items():
        if key in _HIDDEN or not (text := _short(value)):
            continue
        name = _NAMES.get(key) or str(key).replace("_", " ").capitalize()
        told.append((name, _revision(record) if key == "git" else text))
    return told


def _revision(record: Record) -> str:
    changed = " with changes" if record.fingerprint.get("git_changes") else ""
    return f"{str(record.fingerprint['git'])[:_SHORT_REVISION]}{changed}"


def _short(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(str(item) for item in value)
    return ""
