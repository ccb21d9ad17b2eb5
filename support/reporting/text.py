"""Plain text lines of a run for a terminal or a log. This module neither imports behave nor prints."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from support.reporting.causes import causes_of, last_seen
from support.reporting.first_steps import diagnosis_of
from support.reporting.record.model import STATUSES, Record, ScenarioResult, grouped_reasons

WORDS = {"known_issue": "known issue", "unexpected_pass": "unexpected pass"}
COLOURS = {
    "passed": "32",
    "failed": "31;1",
    "error": "31;1",
    "skipped": "33",
    "known_issue": "33",
    "unexpected_pass": "31;1",
    "heading": "1",
    "faint": "2",
}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MAX_IDS = 6


class Painter:
    """Colours text if `colour` is set, and wraps lines to `width` characters (None: no wrapping)."""

    def __init__(self, colour: bool, width: int | None) -> None:
        self.colour = colour
        self.width = max(width, 40) if width else None

    def paint(self, kind: str, text: str) -> str:
        code = COLOURS.get(kind)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """Wrap `text`. The first line starts with `first`, the others with `rest` (default: equally many blanks)."""
        rest = " " * len(first) if rest is None else rest
        if self.width is None:
            return [first + text]
        return textwrap.wrap(
            text, self.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        ) or [first.rstrip()]


def safe(text: str) -> str:
    """Replace control characters with visible escapes: a name must not move the cursor."""
    if text.isprintable():  # most are
        return text
    visible = text.replace("\t", "    ")
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), visible)


def scenario_lines(result: ScenarioResult, painter: Painter, same_as: str = "") -> Iterator[str]:
    """Yield the line of a scenario and, unless it passed, the details below it. If an earlier scenario (`same_as`)
    failed for the same cause, the details are one line."""
    word = WORDS.get(result.status, result.status)
    start = f"  {safe(result.id):<8} {word:<8} {result.duration_s:6.2f} s  "
    lines = painter.wrap(safe(result.name), first=start)
    lines[0] = lines[0].replace(f" {word} ", f" {painter.paint(result.status, word)} ", 1)
    yield from lines
    if result.status == "passed":
        return
    if result.is_bad and same_as:
        yield painter.paint(
            "faint", f"      the same was seen in {safe(same_as)}: see {safe(place_of_failure(result))}"
        )
    elif result.is_bad:
        yield from _failure_block(result, painter)
    else:
        yield from painter.wrap(safe((result.reason or "no reason given").splitlines()[0]), first=" " * 11)


def _failure_block(result: ScenarioResult, painter: Painter) -> Iterator[str]:
    for line in (result.reason or "no reason given").splitlines():
        yield from painter.wrap(safe(line), first=" " * 6, rest=" " * 8)
    for place in (f"{result.feature}:{result.line}", *result.evidence):
        yield painter.paint("faint", f"      see {safe(place)}")


def place_of_failure(result: ScenarioResult) -> str:
    """Return the place to continue reading: the first evidence file, or the scenario if it has no evidence."""
    return result.evidence[0] if result.evidence else f"{result.feature}:{result.line}"


def summary_lines(record: Record, painter: Painter, reports: str) -> Iterator[str]:
    """Yield the summary of a run: the verdict, then the reasons for it, then all requirements."""
    yield from painter.wrap(verdict_sentence(record), rest="  ")
    if (diagnosis := diagnosis_of(record)) is not None:
        yield from painter.wrap(safe(f"Diagnosis: layer {diagnosis.layer}. {diagnosis.cause}."), rest="  ")
        yield from painter.wrap(safe(f"seen: {diagnosis.seen}"), first="  ", rest="    ")
        yield from painter.wrap(safe(f"next: {diagnosis.remedy}"), first="  ", rest="    ")
    if record.broken_on_purpose:
        yield from painter.wrap(safe(f"This sandbox was changed on purpose: {record.broken_on_purpose}."), rest="  ")
    if record.unverified:
        yield from painter.wrap(safe(f"Certificates that were not checked: {record.unverified}."), rest="  ")
    for sentence in record.looser_limits:
        yield from painter.wrap(safe(sentence), first="  - ", rest="    ")
    for error in record.suite_errors:
        for number, line in enumerate(str(error).splitlines()):
            yield from painter.wrap(safe(line), first="  - " if number == 0 else "    ", rest="    ")
    for leftover in record.leftovers:
        yield from painter.wrap(safe(f"left over: {leftover}"), first="  - ", rest="    ")
    yield from _bad_scenarios(record, painter)
    yield from _grouped(record, painter, "skipped", "Skipped")
    yield from _grouped(record, painter, "known_issue", "Known issues")
    yield from _by_requirement(record, painter)
    yield ""
    counts = record.counts()
    by_status = ", ".join(f"{counts[status]} {WORDS.get(status, status)}" for status in STATUSES if counts[status])
    number = len(record.scenarios)
    total = f"{number} scenario{'' if number == 1 else 's'} on {safe(record.environment)}"
    yield f"{total}: {by_status or 'none'}. {record.duration_s:.1f} s."
    yield f"Record: {reports}/run.json"


def verdict_sentence(record: Record) -> str:
    """Return the verdict of the run in one sentence."""
    if record.verdict == "failed":
        return f"{'INTERRUPTED' if record.interrupted else 'FAILED'}: {'; '.join(record.why_failed())}."
    counts = record.counts()
    aside = [
        f"{counts[key]} {text}"
        for key, text in (("skipped", "skipped"), ("known_issue", "failing as known"))
        if counts[key]
    ]
    passed = f"PASSED: {counts['passed']} of {len(record.scenarios)} scenarios passed"
    return f"{passed}{', ' if aside else ''}{', '.join(aside)}."


def _bad_scenarios(record: Record, painter: Painter) -> Iterator[str]:
    """Yield each cause with its first scenario, the lowest layer first, and one line for each further scenario."""
    for cause in causes_of(record):
        first = (cause.first.reason or "").splitlines()[:1]
        yield from painter.wrap(safe(f"{cause.first.id}  {cause.first.name}"), first="  - ", rest="    ")
        yield from painter.wrap(safe(" ".join(first)), first="      ")
        if (seen := last_seen(cause.first)) and seen not in "".join(first):
            yield from painter.wrap(safe(f"seen: {seen}"), first="      ", rest="        ")
        if cause.further:
            yield f"      the same was seen in {len(cause.further)} more:"
        for scenario in cause.further:
            yield from painter.wrap(safe(f"{scenario.id}  {scenario.name}"), first="        ", rest="          ")


def _grouped(record: Record, painter: Painter, status: str, title: str) -> Iterator[str]:
    groups = grouped_reasons(record.scenarios, status)
    if groups:
        yield ""
        yield painter.paint("heading", title)
    for reason, ids in groups.items():
        named = ", ".join(ids[:_MAX_IDS]) + (f" and {len(ids) - _MAX_IDS} more" if len(ids) > _MAX_IDS else "")
        yield from painter.wrap(safe(f"{reason.splitlines()[0]}: {named}"), first=f"  {len(ids):>3}  ")


def _by_requirement(record: Record, painter: Painter) -> Iterator[str]:
    requirements = record.requirements()
    if requirements:
        yield ""
        yield painter.paint("heading", "By requirement")
    for key, summary in requirements.items():
        counts = [
            painter.paint(status, f"{summary[status]} {WORDS.get(status, status)}")
            for status in STATUSES
            if status in summary
        ]
        yield f"  {safe(key):<8} {'  '.join(counts)}"
