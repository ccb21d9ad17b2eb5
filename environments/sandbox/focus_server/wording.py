"""The wording of the server where no requirement defines it: helpful, or as observed in December 2025.

Sources of the observed wording: docs/facts/focus-server.md 2.4 (status), docs/facts/focus-server.md 2.6 (the three
refusals), docs/facts/focus-server.md 3.2 (channels).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from environments.sandbox.focus_server.answers import CHANNEL_DISTANCE_M, FIBRE_LENGTH_M, SAMPLES_PER_CHANNEL
from environments.sandbox.focus_server.refusals import NoRecording, Refused, UnknownJob, WaitingForFibre

HIGHEST_CHANNEL = 2337
REFUSALS: Mapping[type[Refused], str] = {
    NoRecording: "No recording found in given time range",
    UnknownJob: "Invalid job_id",
    WaitingForFibre: "Cannot proceed: Missing required fiber metadata fields: prr",
}


class Wording:
    """Passes answers on unchanged, or words them as the server of December 2025 did (``deployed``)."""

    def __init__(self, deployed: bool) -> None:
        self._deployed = deployed

    def refusal(self, refused: Refused) -> Any:
        text = REFUSALS.get(type(refused)) if self._deployed else None
        return {"error": text} if text else refused.body()

    def opened(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self._deployed:
            return answer
        metadata = dict(answer["metadata"])
        if isinstance(metadata.get("parent"), Mapping):
            metadata["parent"] = _of_more_channels(metadata["parent"])
        return {**answer, "status": "", "metadata": metadata}

    def channels(self, channels: Mapping[str, int]) -> Mapping[str, int]:
        return {**channels, "highest_channel": HIGHEST_CHANNEL} if self._deployed else channels

    def live_metadata(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**_of_more_channels(metadata), "number_of_channels": HIGHEST_CHANNEL} if self._deployed else metadata


def _of_more_channels(fibre: Mapping[str, Any]) -> Mapping[str, Any]:
    """The measures of the sandbox's fibre as if it had that number of channels. Only fields that are present change;
    other fibres stay as they are."""
    if fibre.get("fiber_length_meters") != FIBRE_LENGTH_M:
        return fibre
    samples = HIGHEST_CHANNEL * SAMPLES_PER_CHANNEL
    measures = {"num_samples_per_trace": samples, "fiber_length_meters": round(samples * CHANNEL_DISTANCE_M)}
    return {name: measures.get(name, value) for name, value in fibre.items()}
