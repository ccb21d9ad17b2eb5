"""Sampling parameters that recordings and the live fibre state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

FIBRE_LEVEL = "prp2_recording"
SAMPLES = "num_samples_per_trace"


@dataclass(frozen=True)
class Sampling:
    """Sampling of ``name``, with the values as stated; None if they are not stated.

    ``samples`` maps each level to the number of samples per trace that it states; ``channels`` may be a fraction.
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
    """Return the sampling at the level of the fibre. The number of channels is the number of samples divided by the
    number of samples per channel."""
    levels = levels_of(document.get("fiber_metadata"))
    fibre = next((level for level in levels if level.get("layer_type") == FIBRE_LEVEL), {})
    samples, decimation = fibre.get(SAMPLES), fibre.get("decimation_factor_x")
    return Sampling(
        name=f"recording {document.get('uuid')}",
        dtype=fibre.get("dtype"),
        pulse_rate=fibre.get("prr"),
        spacing=fibre.get("dx"),
        samples={str(level.get("layer_type")): level[SAMPLES] for level in levels if SAMPLES in level},
        channels=samples / decimation if is_positive(samples) and is_positive(decimation) else None,
    )


def sampling_of_live_fibre(metadata: Mapping[str, Any]) -> Sampling:
    """Return the sampling stated by the live metadata of the server."""
    return Sampling(
        name="the live fibre",
        dtype=metadata.get("dtype"),
        pulse_rate=metadata.get("prr"),
        spacing=metadata.get("dx"),
        samples={"the server": metadata[SAMPLES]} if SAMPLES in metadata else {},
        channels=metadata.get("number_of_channels"),
    )


def is_positive(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
