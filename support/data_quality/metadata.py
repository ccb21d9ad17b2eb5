"""How recordings and the live fibre say they were sampled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from support.checks.matcher import Judged, judged
from support.data_quality.document_checks import listed

ALLOWED_TYPES = ("float32", "int16")
"""Every data type seen in use (docs/facts/mongodb.md 6)."""
FIBRE_LEVEL = "prp2_recording"
_SAMPLES = "num_samples_per_trace"


@dataclass(frozen=True)
class Sampling:
    """What ``name`` says of itself; the values as they are stated, None when they are not.

    ``samples`` are the numbers of samples per trace by the level that states them; ``channels`` may be a fraction.
    """

    name: str
    dtype: object
    pulse_rate: object
    spacing: object
    samples: Mapping[str, object]
    channels: object


def levels_of(metadata: object) -> list[Mapping[str, Any]]:
    """The levels of a metadata tree, from the recorder to the fibre."""
    levels: list[Mapping[str, Any]] = []
    while isinstance(metadata, Mapping):
        levels.append(metadata)
        metadata = metadata.get("parent")
    return levels


def sampling_of_recording(document: Mapping[str, Any]) -> Sampling:
    """From the level of the fibre; the channels follow from the samples and how many of them make one channel."""
    levels = levels_of(document.get("fiber_metadata"))
    fibre = next((level for level in levels if level.get("layer_type") == FIBRE_LEVEL), {})
    samples, decimation = fibre.get(_SAMPLES), fibre.get("decimation_factor_x")
    return Sampling(
        name=f"recording {document.get('uuid')}",
        dtype=fibre.get("dtype"),
        pulse_rate=fibre.get("prr"),
        spacing=fibre.get("dx"),
        samples={str(level.get("layer_type")): level[_SAMPLES] for level in levels if _SAMPLES in level},
        channels=samples / decimation if _is_positive(samples) and _is_positive(decimation) else None,
    )


def sampling_of_live_fibre(metadata: Mapping[str, Any]) -> Sampling:
    """From the live metadata of the server."""
    return Sampling(
        name="the live fibre",
        dtype=metadata.get("dtype"),
        pulse_rate=metadata.get("prr"),
        spacing=metadata.get("dx"),
        samples={"the server": metadata[_SAMPLES]} if _SAMPLES in metadata else {},
        channels=metadata.get("number_of_channels"),
    )


def _is_positive(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _judged(wanted: str, trouble_of: Callable[[Sampling], str | None]) -> Judged[Sequence[Sampling]]:
    def trouble(found: Sequence[Sampling]) -> str | None:
        if not found:
            return "there is no recording to look at"
        return listed(f"{one.name} {said}" for one in found if (said := trouble_of(one)))

    return judged(wanted, trouble)


def names_an_allowed_type() -> Judged[Sequence[Sampling]]:
    def trouble(one: Sampling) -> str | None:
        if one.dtype is None:
            return "names no dtype"
        return None if one.dtype in ALLOWED_TYPES else f"has dtype {one.dtype!r}"

    return _judged(f"dtype {' or '.join(ALLOWED_TYPES)}", trouble)


def describes_the_sampling() -> Judged[Sequence[Sampling]]:
    def trouble(one: Sampling) -> str | None:
        stated = {"prr": one.pulse_rate, "dx": one.spacing, _SAMPLES: next(iter(one.samples.values()), None)}
        wrong = [f"{field} {value!r}" for field, value in stated.items() if not _is_positive(value)]
        return f"has {', '.join(wrong)}" if wrong else None

    return _judged(f"positive numbers prr, dx and {_SAMPLES}", trouble)


def agrees_on_samples_and_channels() -> Judged[Sequence[Sampling]]:
    """Every level counts the same samples, and there are at least as many samples as channels made of them."""

    def trouble(one: Sampling) -> str | None:
        counts = list(one.samples.values())
        if not counts or not all(map(_is_positive, counts)) or not _is_positive(one.channels):
            return f"counts samples {counts} and channels {one.channels!r}"
        if len(set(counts)) > 1:
            return "counts " + " but ".join(f"{count} samples ({level})" for level, count in one.samples.items())
        fewest, channels = float(str(counts[0])), float(str(one.channels))
        return f"has {channels:g} channels made of {fewest:g} samples" if channels > fewest else None

    return _judged("samples and channels that agree", trouble)
