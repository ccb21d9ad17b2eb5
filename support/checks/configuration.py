"""Matchers that check the answer that opened an investigation for consistency with itself and with the request.

Source: docs/facts/focus-server.md 2.5. The number of frequencies that a build answers with is free, and not judged.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from support.checks.matcher import Judged
from support.clients.focus_server.client import OpenedInvestigation
from support.model.requests import channels_of
from support.model.sampling import is_positive, levels_of

Fields = Mapping[str, Any]

_ROUNDING = 1e-6
_NOT_LISTED = 3
"""Steps that may be missing at the end of the range: the captured lists omit up to two, and rounding may omit one."""
_LARGEST_TRANSFORM = 2**18
"""Above the largest NFFT that may be requested. Larger transforms could not be distinguished from having no bins."""


def has_the_view_of(request: Fields) -> Judged[OpenedInvestigation]:
    wanted = int(request["view_type"])
    return Judged(
        f"view {wanted}, as asked for",
        lambda opened: None if opened.view_type == wanted else f"the view is {opened.view_type}",
    )


def has_streams(count: int) -> Judged[OpenedInvestigation]:
    def mismatch(opened: OpenedInvestigation) -> str | None:
        if opened.stream_amount == count:
            return None
        return f"job {opened.job_id} has {opened.stream_amount} streams"

    return Judged(f"exactly {count} stream", mismatch)


def frequencies_agree_with(request: Fields) -> Judged[OpenedInvestigation]:
    """Match as many frequencies as announced, in even steps from the lowest one requested over the whole range."""
    band = request["frequencyRange"]

    def mismatch(opened: OpenedInvestigation) -> str | None:
        listed = opened.frequencies_list
        if not listed or opened.frequencies_amount != len(listed):
            return f"{opened.frequencies_amount} frequencies are announced and {len(listed)} are listed"
        if any(later <= earlier for earlier, later in itertools.pairwise(listed)):
            return "the frequencies are not ascending"
        outside = [value for value in listed if not band["min"] - _ROUNDING <= value <= band["max"] + _ROUNDING]
        if outside:
            return f"{len(outside)} frequencies are outside of the range, the first is {outside[0]} Hz"
        if len(listed) == 1 and _coarsest_amount(request, opened) >= 2:
            return f"only {listed[0]:g} Hz is listed"
        return _spread(listed, band["min"], band["max"]) or _beside_bins(listed, request, opened)

    return Judged(f"ascending frequencies from {band['min']} to {band['max']} Hz, as many as announced", mismatch)


def _coarsest_amount(request: Fields, opened: OpenedInvestigation) -> float:
    """Return the number of frequencies of the build that lists the fewest: a quarter of what the NFFT can resolve
    (docs/facts/focus-server.md 2.5). Returns 0 if the metadata give no pulse rate."""
    band, rate_hz = request["frequencyRange"], _pulse_rate_hz(opened)
    return float(request["nfftSelection"] * (band["max"] - band["min"]) / rate_hz / 4) if rate_hz else 0.0


def _pulse_rate_hz(opened: OpenedInvestigation) -> float | None:
    """Return the pulse rate of the innermost level of the metadata that has one."""
    rates = [level["prr"] for level in levels_of(opened.metadata) if is_positive(level.get("prr"))]
    return float(rates[-1]) if rates else None


def _beside_bins(listed: Sequence[float], request: Fields, opened: OpenedInvestigation) -> str | None:
    """Return an objection if the steps differ from the bins of every transform that a build may make of the requested
    NFFT: of its size, or of a quarter, doubled any number of times (docs/facts/focus-server.md 2.5)."""
    nfft, rate_hz = request["nfftSelection"], _pulse_rate_hz(opened)
    if len(listed) == 1 or rate_hz is None:
        return None
    step_hz = (listed[-1] - listed[0]) / (len(listed) - 1)
    bins_hz = (
        growth * rate_hz / (size * growth + 2)
        for size in (nfft, nfft / 4)
        for growth in (2**doublings for doublings in range(_LARGEST_TRANSFORM.bit_length()))
        if size * growth <= _LARGEST_TRANSFORM
    )
    if any(math.isclose(step_hz, bin_hz, rel_tol=_ROUNDING) for bin_hz in bins_hz):
        return None
    return f"the frequencies are {step_hz:.6g} Hz apart, as no transform of NFFT {nfft} has them at {rate_hz:g} Hz"


def _spread(listed: Sequence[float], lowest_hz: float, highest_hz: float) -> str | None:
    """Return what is wrong with the spread over the range. The number of frequencies is free, and rounding down may
    omit the last ones."""
    if abs(listed[0] - lowest_hz) > _ROUNDING:
        return f"the frequencies begin at {listed[0]:g} Hz"
    steps_hz = [later - earlier for earlier, later in itertools.pairwise(listed)]
    if not steps_hz:
        return None
    if not math.isclose(min(steps_hz), max(steps_hz), rel_tol=_ROUNDING):
        return f"the steps from one frequency to the next are {min(steps_hz):g} to {max(steps_hz):g} Hz"
    if listed[-1] + _NOT_LISTED * max(steps_hz) < highest_hz:
        return f"the frequencies end at {listed[-1]:g} Hz"
    return None


def channels_agree_with(request: Fields) -> Judged[OpenedInvestigation]:
    """Match an answer that maps exactly the requested channels to streams, each stream with one block, in order."""
    lowest, highest = (int(str(bound)) for bound in channels_of(request))
    wanted = set(range(lowest, highest + 1))

    def mismatch(opened: OpenedInvestigation) -> str | None:
        index = opened.channel_to_stream_index
        if set(index) != wanted:
            missing, more = sorted(wanted - set(index))[:3], sorted(set(index) - wanted)[:3]
            return f"channels without a stream: {missing}; channels nobody asked for: {more}"
        if opened.channel_amount != len(index):
            return f"{opened.channel_amount} channels are announced and {len(index)} are mapped"
        if set(index.values()) != set(range(opened.stream_amount)):
            return f"{opened.stream_amount} streams are announced and {sorted(set(index.values()))} are mapped to"
        streams = [index[channel] for channel in sorted(index)]
        if streams != sorted(streams):
            return "the channels of a stream do not lie side by side"
        sizes = [streams.count(stream) for stream in range(opened.stream_amount)]
        is_even = sizes == sorted(sizes, reverse=True) and sizes[0] - sizes[-1] <= 1
        return None if is_even else f"the streams have {', '.join(map(str, sizes))} channels"

    return Judged(f"exactly the channels {lowest} to {highest}, on all of the streams announced", mismatch)


def lines_agree_with(request: Fields) -> Judged[OpenedInvestigation]:
    """Match an answer that spreads the time axis evenly over the lines of the canvas."""
    wanted_s = request["displayTimeAxisDuration"] / request["displayInfo"]["height"]

    def mismatch(opened: OpenedInvestigation) -> str | None:
        if math.isclose(opened.lines_dt, wanted_s, rel_tol=_ROUNDING):
            return None
        return f"a line lasts {opened.lines_dt:g} s"

    return Judged(f"lines of {wanted_s:g} s, the time axis over the height of the canvas", mismatch)
