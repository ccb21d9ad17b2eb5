"""Matchers for metadata, for investigations and for the tasks of the future interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from support.checks.matcher import Judged, judged
from support.clients.focus_server.client import Answer, OpenedInvestigation, ShapeError
from support.redaction import shortened
from support.statistics.trends import theil_sen

# The word for the state of an investigation may change while it is open (docs/facts/focus-server.md 3.4).
_MAY_DIFFER = frozenset({"status"})
_DRIFT_CONFIDENCE, _LEAST_DRIFT_MS = 0.99, 25.0
"""A smaller drift in total counts as a pause of the tester's scheduler, as it does for openings over a long time
(SB-02)."""
_FEWEST_READS = 20
_EMPTY, _FULL, _END_OF_PLAYBACK = 200, 201, 208


def is_answered() -> Judged[Answer]:
    return Judged(
        "an answer with the metadata",
        lambda answer: None if answer.status == 200 else f"it was answered {answer.status} {answer.message!r}",
    )


def tells_the_same_as(opened: OpenedInvestigation) -> Judged[Answer]:
    """Match metadata with exactly the facts of the answer that opened the investigation. Its state may differ."""

    def mismatch(answer: Answer) -> str | None:
        metadata = answer.json()
        if not isinstance(metadata, dict):
            return f"the metadata are no object: {shortened(answer.text)}"
        facts = (opened.raw.keys() | metadata.keys()) - _MAY_DIFFER
        wrong = [
            f"{fact} is {_shown(metadata, fact)} instead of {_shown(opened.raw, fact)}"
            for fact in sorted(facts)
            if _shown(metadata, fact) != _shown(opened.raw, fact)
        ]
        return "; ".join(wrong) or None

    return Judged(f"the facts of the answer that opened job {opened.job_id}", mismatch)


def tell_the_same_each_time(opened: OpenedInvestigation) -> Judged[Sequence[Answer]]:
    """Match repeated readings that all give the facts of the answer that opened the investigation."""
    answered, same = is_answered(), tells_the_same_as(opened)

    def mismatch(answers: Sequence[Answer]) -> str | None:
        if not answers:
            return "nothing was read"
        for number, answer in enumerate(answers, 1):
            if (wrong := answered.trouble(answer) or same.trouble(answer)) is not None:
                return f"reading {number} of {len(answers)}: {wrong}"
        return None

    return Judged(f"the facts of the answer that opened job {opened.job_id}, each time", mismatch)


def are_read_as_fast_as_at_first() -> Judged[Sequence[Answer]]:
    """Match readings without a statistically significant drift in duration. A pause of the tester is no drift."""

    def mismatch(answers: Sequence[Answer]) -> str | None:
        if len(answers) < _FEWEST_READS:
            return f"{len(answers)} answers show no drift, it takes {_FEWEST_READS}"
        points = [(float(number), answer.duration_s * 1000) for number, answer in enumerate(answers)]
        slope = theil_sen(points, _DRIFT_CONFIDENCE)
        if slope.lower * len(points) <= _LEAST_DRIFT_MS:
            return None
        first, last = (median(took_ms for _, took_ms in part) for part in (points[:10], points[-10:]))
        return (
            f"reading them became slower: the first ten took {first:.0f} ms, the last ten {last:.0f} ms, "
            f"{slope.value:.2f} ms more each time (at least {slope.lower:.2f})"
        )

    return Judged("answers that do not become slower", mismatch)


def _shown(facts: dict[str, Any], name: str) -> str:
    return shortened(repr(facts[name])) if name in facts else "missing"


def has_its_documented_form() -> Judged[Any]:
    """Match a reading whose answer has the form documented for its request."""
    return judged("an answer in its documented form", lambda reading: reading.trouble(reading.answer))


def is_an_investigation(answer: Answer) -> str | None:
    """Return an objection unless the answer has all fields of one that opens an investigation, with their types."""
    try:
        answer.opened()
    except ShapeError as error:
        return str(error)
    return None


def names(task: str) -> Callable[[Answer], str | None]:
    """Return a check for status 200 and the task name that the client gave."""

    def mismatch(answer: Answer) -> str | None:
        if answer.status != 200:
            return f"it was answered {answer.status} {answer.message!r}"
        named = answer.json().get("task_id")
        return None if named == task else f"the task is named {named!r} instead of {task!r}"

    return mismatch


def has_rows_of_a_waterfall(answer: Answer) -> str | None:
    """Return an objection unless the answer is empty, the end of a playback, or blocks of rows with data.

    Each row must show sensors and end after it starts.
    """
    if answer.status in (_EMPTY, _END_OF_PLAYBACK):
        return None
    if answer.status != _FULL:
        return f"it was answered {answer.status} {answer.message!r}"
    try:
        rows = [row for block in answer.json() for row in block["rows"]]
        wrong = [row for row in rows if not row["sensors"] or row["endTimestamp"] <= row["startTimestamp"]]
    except (TypeError, KeyError) as error:
        return f"the rows have not their documented form: {error!r}"
    return f"{len(wrong)} of {len(rows)} rows show nothing or end before they start" if wrong or not rows else None


def describes_a_task(answer: Answer) -> str | None:
    """Return an objection unless the answer is empty (the task has not started) or an object (it has)."""
    if answer.status == _EMPTY and not answer.body:
        return None
    if answer.status != _FULL:
        return f"it was answered {answer.status} {answer.message!r}"
    return None if isinstance(answer.json(), dict) else f"the metadata are no object: {shortened(answer.text)}"
