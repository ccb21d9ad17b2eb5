"""Readable explanations of results: what was wanted and what was seen. Stack traces are left to the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from support.reporting.record.model import ScenarioResult, StepResult

_MATCHER = re.compile(r"(?P<about>.*?)Expected: (?P<wanted>.*?)\n\s*but: (?P<seen>.*)", re.DOTALL)
_WAIT = re.compile(
    r"(?P<about>.*?)\n\s*wanted: (?P<wanted>.*?)\n\s*last seen: (?P<seen>.*?)"
    r"(?:\n\s*(?P<waited>(?:waited|gave up early after) [^\n]*)(?P<rest>.*))?$",
    re.DOTALL,
)
_TRACE_START = "Traceback (most recent call last)"
_TRACE_LINE = re.compile(r"^\s*(File \".*\", line \d+|at [\w.$<>]+\(.*\)|goroutine \d+ \[)")
_BRIDGE = re.compile(r"^(The above exception was the direct cause|During handling of the above exception)")
_MAX_LENGTH = 1500


@dataclass(frozen=True)
class Explanation:
    """The parts of a failure text. `step` is the step that failed. If the text does not separate `wanted` from `seen`,
    both are empty and `text` holds it all. `note` comes first: the ticket of a known issue. `more` comes last: errors
    of the clean-up."""

    step: str = ""
    note: str = ""
    about: str = ""
    wanted: str = ""
    seen: str = ""
    waited: str = ""
    text: str = ""
    more: str = ""


def explain(result: ScenarioResult) -> Explanation | None:
    """Return the explanation of a result, or None if it passed."""
    if result.status == "passed":
        return None
    reason = result.reason or "no reason given"
    note, rest = "", reason
    if result.status == "known_issue":
        note, _, rest = reason.partition("\n")
    if result.status in ("skipped", "unexpected_pass"):
        return Explanation(text=_shown(rest))
    step = next((step for step in result.steps if step.error), None)
    more = ""
    if step is not None:
        beginning = f"{step.keyword} {step.name}: {step.error}"
        more = rest[len(beginning) :].strip() if rest.startswith(beginning) else ""
    return _told_apart(step, rest if step is None else str(step.error), _shown(note), _shown(more))


def _told_apart(step: StepResult | None, text: str, note: str, more: str) -> Explanation:
    where = "" if step is None else f"{step.keyword} {step.name}"
    plain = without_stack_trace(text)
    match = _WAIT.match(plain) or _MATCHER.match(plain)
    if match is None:
        return Explanation(step=where, note=note, text=_shown(plain), more=more)
    found = match.groupdict()
    after = (found.get("rest") or "").strip()
    return Explanation(
        step=where,
        note=note,
        about=_shown(found["about"].strip().rstrip(":")),
        wanted=_shown(found["wanted"]),
        seen=_shown(found["seen"]),
        waited=_shown(found.get("waited") or ""),
        more="\n".join(part for part in (_shown(after), more) if part),
    )


def without_stack_trace(text: str) -> str:
    """Remove stack traces from a text. The message at the end of a trace is kept."""
    return "\n".join(_lines(text)).strip()


def _lines(text: str) -> Iterator[str]:
    inside = False
    for line in text.split("\n"):
        before, start, _ = line.partition(_TRACE_START)
        if start:
            inside = True
            if before.strip(" +|"):
                yield f"{before.rstrip()} (a stack trace)"
        elif inside and (not line.strip() or line[0] in " \t"):
            continue
        elif _TRACE_LINE.match(line):
            inside = True
        elif not _BRIDGE.match(line):
            inside = False
            yield line


def _shown(text: str) -> str:
    plain = without_stack_trace(text)
    return (
        plain
        if len(plain) <= _MAX_LENGTH
        else f"{plain[:_MAX_LENGTH].rstrip()} ... (shortened; the rest is in the evidence)"
    )
