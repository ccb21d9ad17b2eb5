"""Matchers for the sampling that recordings and the live fibre describe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from support.checks.matcher import Judged, judged, listed
from support.model.sampling import SAMPLES, Sampling, is_positive

ALLOWED_TYPES = ("float32", "int16")
"""All data types seen in use (docs/facts/mongodb.md 6)."""


def _judged(wanted: str, mismatch_of: Callable[[Sampling], str | None]) -> Judged[Sequence[Sampling]]:
    def mismatch(found: Sequence[Sampling]) -> str | None:
        if not found:
            return "there is no recording to look at"
        return listed(f"{one.name} {said}" for one in found if (said := mismatch_of(one)))

    return judged(wanted, mismatch)


def names_an_allowed_type() -> Judged[Sequence[Sampling]]:
    def mismatch(one: Sampling) -> str | None:
        if one.dtype is None:
            return "names no dtype"
        return None if one.dtype in ALLOWED_TYPES else f"has dtype {one.dtype!r}"

    return _judged(f"dtype {' or '.join(ALLOWED_TYPES)}", mismatch)


def describes_the_sampling() -> Judged[Sequence[Sampling]]:
    def mismatch(one: Sampling) -> str | None:
        stated = {"prr": one.pulse_rate, "dx": one.spacing, SAMPLES: next(iter(one.samples.values()), None)}
        wrong = [f"{field} {value!r}" for field, value in stated.items() if not is_positive(value)]
        return f"has {', '.join(wrong)}" if wrong else None

    return _judged(f"positive numbers prr, dx and {SAMPLES}", mismatch)


def agrees_on_samples_and_channels() -> Judged[Sequence[Sampling]]:
    """Match metadata whose levels all count the same samples, at least as many as the channels made of them."""

    def mismatch(one: Sampling) -> str | None:
        counts = list(one.samples.values())
        if not counts or not all(map(is_positive, counts)) or not is_positive(one.channels):
            return f"counts samples {counts} and channels {one.channels!r}"
        if len(set(counts)) > 1:
            return "counts " + " but ".join(f"{count} samples ({level})" for level, count in one.samples.items())
        fewest, channels = float(str(counts[0])), float(str(one.channels))
        return f"has {channels:g} channels made of {fewest:g} samples" if channels > fewest else None

    return _judged("samples and channels that agree", mismatch)
