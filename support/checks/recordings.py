"""Matchers for the list of recordings."""

from __future__ import annotations

from collections.abc import Collection

from support.checks.matcher import Judged
from support.clients.focus_server.client import Answer
from support.model.recordings import Recording
from support.redaction import shortened

_OPEN_END = -1
# The list has whole seconds, the index milliseconds. The rounding is not documented.
_ROUNDING_S = 1.0


def listed(answer: Answer) -> list[tuple[float, float]]:
    """Return the pairs in the answer. Raises :class:`AssertionError` if it is not a list of pairs of numbers."""
    if answer.status != 200:
        raise AssertionError(f"the list was answered {answer.status} {answer.message!r}")
    pairs = answer.json()
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise AssertionError(f"the answer is not a list of [start, end]: {shortened(pairs)}")
    return [(float(start), float(end)) for start, end in pairs]


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(number, int | float) for number in pair)


def lists_exactly(expected: Collection[Recording]) -> Judged[Answer]:
    """Match a list of the same recordings, none missing and none more, in any order."""

    def mismatch(answer: Answer) -> str | None:
        pairs = sorted(listed(answer))
        wanted = sorted((one.start.timestamp(), one.end.timestamp() if one.end else _OPEN_END) for one in expected)
        if len(pairs) != len(wanted):
            return f"{len(pairs)} recordings are listed"
        wrong = [
            f"{pair} instead of {recording}"
            for pair, recording in zip(pairs, wanted, strict=True)
            if any(_differ(seen, true) for seen, true in zip(pair, recording, strict=True))
        ]
        return "; ".join(wrong) or None

    return Judged(f"exactly {len(expected)} recordings, with their times", mismatch)


def _differ(seen: float, true: float) -> bool:
    """Whether two times differ by more than rounding. The mark of an open end is no time and must be equal."""
    return seen != true if true == _OPEN_END else abs(seen - true) > _ROUNDING_S


def lists_all_of(expected: Collection[Recording]) -> Judged[Answer]:
    """Match like :func:`lists_exactly`, but fail for a window without any recording."""
    exactly = lists_exactly(expected)

    def mismatch(answer: Answer) -> str | None:
        if not expected:
            return "the index has no recording that touches the window: there is nothing to compare the list with"
        return exactly.trouble(answer)

    return Judged(f"exactly {len(expected)} recordings, with their times", mismatch)


def lists(recording: Recording) -> Judged[Answer]:
    """Match a list with a recording that began when this one did."""

    def mismatch(answer: Answer) -> str | None:
        return None if _stands_in(answer, recording) else f"{recording} is not listed, {len(listed(answer))} others are"

    return Judged(f"a list with {recording}", mismatch)


def leaves_out(recording: Recording) -> Judged[Answer]:
    """Match a list without a recording that began when this one did."""

    def mismatch(answer: Answer) -> str | None:
        return f"{recording} is listed" if _stands_in(answer, recording) else None

    return Judged(f"a list without {recording}", mismatch)


def _stands_in(answer: Answer, recording: Recording) -> bool:
    return any(not _differ(start, recording.start.timestamp()) for start, _ in listed(answer))


def lists_in_order() -> Judged[Answer]:
    def mismatch(answer: Answer) -> str | None:
        starts = [start for start, _ in listed(answer)]
        if len(starts) < 2:
            return f"{len(starts)} recordings are listed, which have no order"
        return None if starts == sorted(starts) else f"the starts are {starts}"

    return Judged("recordings in the order of their start", mismatch)
