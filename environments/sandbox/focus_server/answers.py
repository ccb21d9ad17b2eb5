"""The content of the answers, by the formulas and invariants of docs/facts/focus-server.md 2.4, 2.5 and 3.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from environments.sandbox.focus_server.hooks import hook
from environments.sandbox.focus_server.rules import HIGHEST_CHANNEL, LOWEST_CHANNEL
from environments.sandbox.focus_server.schema import ConfigureRequest, View

PULSE_RATE_HZ = 2000.0
CHANNEL_DISTANCE_M = 1.0213698148727417
MOST_STREAMS = 3
SMALLEST_OVERLAP = 0.5
LARGEST_INTERNAL_NFFT = 65536
FIBRE_DESCRIPTION = "Sandbox fibre"
SAMPLES_PER_CHANNEL = 4
"""The number of neighbouring samples averaged into one channel (decimation_factor_x)."""

SAMPLES = HIGHEST_CHANNEL * SAMPLES_PER_CHANNEL
FIBRE_LENGTH_M = round(SAMPLES * CHANNEL_DISTANCE_M)
"""The same ratio as in a recording: 9791 samples, 1.02137 m apart, are 10000 m (docs/facts/focus-server.md 3.3)."""

CHANNELS = {"lowest_channel": LOWEST_CHANNEL, "highest_channel": HIGHEST_CHANNEL}

CONNECTED_METADATA: Mapping[str, Any] = {
    "dx": CHANNEL_DISTANCE_M,
    "prr": PULSE_RATE_HZ,
    "fiber_start_meters": 0,
    "fiber_length_meters": FIBRE_LENGTH_M,
    "sw_version": "10.7.122",
    "number_of_channels": HIGHEST_CHANNEL,
    "fiber_description": FIBRE_DESCRIPTION,
    "num_samples_per_trace": SAMPLES,
    "dtype": "float32",
}
WAITING_METADATA: Mapping[str, Any] = {
    "dx": 0.0,
    "prr": 0.0,
    "fiber_start_meters": None,
    "fiber_length_meters": None,
    "sw_version": "waiting for fiber",
    "number_of_channels": HIGHEST_CHANNEL,
    "fiber_description": "waiting for fiber",
}
LIVE_METADATA_TREE: Mapping[str, Any] = {
    "layer_type": "smart_recorder",
    "uuid": "7c0b8a52-3f3e-4e7e-9a0b-5d1c1f6f2a10",
    "sw_version": None,
    "cmd": "smart_recorder --storage segy --base-name segy --file-length 10000 --file-duration-limit 5",
    "processors": [],
    "version": "TLV-1.3",
    "num_traces": 10000,
    "parent": {
        "layer_type": "prp2_recording",
        "uuid": "2f4d6f0e-9d43-4c52-8f3b-6c0f6d1c7b21",
        "sw_version": None,
        "dx": CHANNEL_DISTANCE_M,
        "prr": int(PULSE_RATE_HZ),
        "num_traces": 2048,
        "num_samples_per_trace": SAMPLES,
        "version": "TLV-1.3",
        "fiber_start_meters": 0,
        "fiber_length_meters": FIBRE_LENGTH_M,
        "gauge_length_meters": 10.213698387145996,
        "late_t_axis_decimation": 4,
        "fiber_description": FIBRE_DESCRIPTION,
        "decimation_factor_x": SAMPLES_PER_CHANNEL,
        "recording_timezone": "Asia/Jerusalem",
        "recording_machine_name": "panda-panda-preprocessor-645fcdf7c5-xsh6d",
        "content_type": None,
        "n_features": 1,
        "dtype": "float32",
        "preprocessor_version": "11",
        "preprocessor_calculation_version": "8",
    },
}


def stream_amount(request: ConfigureRequest) -> int:
    """The number of streams that the channels are spread over."""
    if request.view is View.SINGLE_CHANNEL:
        return 1
    return min(MOST_STREAMS, request.channel_max - request.channel_min + 1)


def channel_to_stream_index(request: ConfigureRequest) -> dict[str, int]:
    """Distribute the channels over the streams in ascending order, in contiguous blocks, the larger blocks first."""
    count, streams = request.channel_max - request.channel_min + 1, stream_amount(request)
    small, bigger_blocks = divmod(count, streams)
    index: dict[str, int] = {}
    channel = request.channel_min
    for stream in range(streams):
        for _ in range(small + (stream < bigger_blocks)):
            index[str(channel)] = stream
            channel += 1
    return index


def lines_dt_s(request: ConfigureRequest, pulse_rate_hz: float = PULSE_RATE_HZ) -> float:
    """Seconds per line; a waterfall has no time axis, and one line per transform."""
    if request.time_axis_s is None:
        return (request.nfft or 1) / pulse_rate_hz
    return request.time_axis_s / request.height_px


def frequencies_hz(request: ConfigureRequest, pulse_rate_hz: float = PULSE_RATE_HZ) -> list[float]:
    """The frequency of each bin.

    The internal transform grows by powers of two until neighbouring windows overlap by half; its size decides the step.
    """
    if request.frequency_hz is None or request.nfft is None:
        return [0.0]
    lowest, highest = request.frequency_hz
    line_samples = lines_dt_s(request, pulse_rate_hz) * pulse_rate_hz
    growth = 1
    while 1 - line_samples / (request.nfft * growth) < SMALLEST_OVERLAP:
        if request.nfft * growth >= LARGEST_INTERNAL_NFFT:
            break
        growth *= 2
    step = growth * (pulse_rate_hz / 2) / (request.nfft * growth / 2 + 1)
    amount = max(1, int(request.nfft * (highest - lowest) / pulse_rate_hz))
    return [lowest + number * step for number in range(amount)]


def bin_range(request: ConfigureRequest, pulse_rate_hz: float = PULSE_RATE_HZ) -> tuple[int, int]:
    """The first and last transform bin of the frequency range, in the form of the job's command."""
    if request.frequency_hz is None or request.nfft is None:
        return 0, 1
    lowest, highest = request.frequency_hz
    return int(request.nfft * lowest / pulse_rate_hz), int(request.nfft * highest / pulse_rate_hz)


@hook("configure.answer")
def configure_answer(
    request: ConfigureRequest, job_id: str, stream_url: str, stream_port: int, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of the answer to ``POST /configure``; ``metadata`` describes the recording or the live fibre."""
    pulse_rate_hz = pulse_rate(metadata)
    frequencies = frequencies_hz(request, pulse_rate_hz)
    index = channel_to_stream_index(request)
    return {
        "status": "success",
        "frequencies_list": frequencies,
        "lines_dt": lines_dt_s(request, pulse_rate_hz),
        "channel_to_stream_index": index,
        "stream_amount": stream_amount(request),
        "job_id": job_id,
        "frequencies_amount": len(frequencies),
        "channel_amount": 1 if request.view is View.SINGLE_CHANNEL else len(index),
        "stream_port": stream_port,
        "stream_url": stream_url,
        "view_type": int(request.view),
        "metadata": dict(metadata),
    }


def pulse_rate(metadata: Mapping[str, Any]) -> float:
    """Pulses per second, from the innermost level of the metadata that contains them."""
    level: Any = metadata
    found = PULSE_RATE_HZ
    while isinstance(level, Mapping):
        value = level.get("prr")
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            found = float(value)
        level = level.get("parent")
    return found
