"""The rules for well-typed requests. Each refusal names the field, the value and the allowed range."""

from __future__ import annotations

import math
import time

from environments.sandbox.focus_server.refusals import RuleViolation
from environments.sandbox.focus_server.schema import ConfigureRequest, View, Window

LOWEST_CHANNEL = 1
HIGHEST_CHANNEL = 2222
MOST_CHANNELS = 2222
HIGHEST_FREQUENCY_HZ = 1000
ALLOWED_NFFT: dict[View, tuple[int, ...]] = {
    View.MULTICHANNEL: tuple(2**power for power in range(7, 12)),
    View.SINGLE_CHANNEL: tuple(2**power for power in range(7, 17)),
    View.WATERFALL: (1,),
    View.HEAT_MAP: tuple(2**power for power in range(7, 12)),
}


def check_configure(request: ConfigureRequest) -> None:
    """Raise :class:`RuleViolation` for the first rule of ``POST /configure`` that the request breaks."""
    check_canvas(request)
    check_channels(request)
    check_nfft(request)
    check_time_axis(request)
    check_frequencies(request)
    check_both_times_or_neither(request)
    if request.window is not None:
        check_window(request.window)
        check_past(request.window)


def check_window(window: Window) -> None:
    """Raise :class:`RuleViolation` unless the window has a positive length and no negative time; it may be future."""
    for field, time_s in _times_s(window):
        if time_s < 0:
            raise RuleViolation(field, "must not be negative", time_s, "0 or later")
    if window.end_s <= window.start_s:
        got = f"start_time={window.start_s}, end_time={window.end_s}"
        raise RuleViolation("end_time", "must be after start_time", got, f"end_time from {window.start_s + 1} on")


def check_past(window: Window) -> None:
    """Raise :class:`RuleViolation` for a window in the future, where nothing can be recorded yet."""
    now_s = math.ceil(time.time())
    for field, time_s in _times_s(window):
        if time_s > now_s:
            raise RuleViolation(field, "must not lie in the future", time_s, f"0 to {now_s} (now)")


def _times_s(window: Window) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("start_time", window.start_s), ("end_time", window.end_s)


def check_both_times_or_neither(request: ConfigureRequest) -> None:
    if (request.start_s is None) == (request.end_s is None):
        return
    given = {"start_time": request.start_s, "end_time": request.end_s}
    got = ", ".join(f"{name}={'null' if value is None else value}" for name, value in given.items())
    allowed = "start_time and end_time (historic) or no times (live)"
    raise RuleViolation("start_time and end_time", "must be given both or neither", got, allowed)


def _named(view: View) -> str:
    return f"view_type {view.value} ({view.name.lower().replace('_', ' ')})"


def check_canvas(request: ConfigureRequest) -> None:
    if request.height_px < 1:
        raise RuleViolation("displayInfo.height", "must be positive", request.height_px, "1 or more")


def check_channels(request: ConfigureRequest) -> None:
    lowest, highest = request.channel_min, request.channel_max
    both = f"min={lowest}, max={highest}"
    if lowest < LOWEST_CHANNEL:
        allowed = f"{LOWEST_CHANNEL} to {HIGHEST_CHANNEL}"
        raise RuleViolation("channels.min", f"must be at least {LOWEST_CHANNEL}", lowest, allowed)
    if highest < lowest:
        raise RuleViolation("channels.max", "must not be below channels.min", both, f"{lowest} to {HIGHEST_CHANNEL}")
    count = highest - lowest + 1
    if count > MOST_CHANNELS:
        got, allowed = f"{count} channels ({both})", f"1 to {MOST_CHANNELS} channels"
        raise RuleViolation("channels", f"must be at most {MOST_CHANNELS} channels", got, allowed)
    if highest > HIGHEST_CHANNEL:
        allowed = f"{LOWEST_CHANNEL} to {HIGHEST_CHANNEL}"
        raise RuleViolation("channels.max", f"must be at most {HIGHEST_CHANNEL}", highest, allowed)
    if request.view is View.SINGLE_CHANNEL and lowest != highest:
        problem = f"must equal channels.min for {_named(request.view)}"
        raise RuleViolation("channels.max", problem, both, "channels.min = channels.max")


def check_nfft(request: ConfigureRequest) -> None:
    values = ALLOWED_NFFT[request.view]
    if request.nfft not in values:
        problem = f"must be a power of two allowed for {_named(request.view)}"
        raise RuleViolation("nfftSelection", problem, request.nfft, ", ".join(str(value) for value in values))


def check_time_axis(request: ConfigureRequest) -> None:
    field, seconds = "displayTimeAxisDuration", request.time_axis_s
    if request.view is View.WATERFALL:
        if seconds is not None:
            raise RuleViolation(field, f"must be left out for {_named(request.view)}", seconds, "null or absent")
    elif seconds is None:
        raise RuleViolation(field, f"is required for {_named(request.view)}", None, "1 or more seconds")
    elif seconds < 1:
        raise RuleViolation(field, "must be positive", seconds, "1 or more seconds")


def check_frequencies(request: ConfigureRequest) -> None:
    field, band = "frequencyRange", request.frequency_hz
    if request.view is View.WATERFALL:
        if band is not None:
            got = f"min={band[0]}, max={band[1]}"
            raise RuleViolation(field, f"must be left out for {_named(request.view)}", got, "null or absent")
        return
    if band is None:
        allowed = f"0 <= min < max <= {HIGHEST_FREQUENCY_HZ} Hz"
        raise RuleViolation(field, f"is required for {_named(request.view)}", None, allowed)
    lowest, highest = band
    if lowest < 0:
        raise RuleViolation(f"{field}.min", "must not be negative", lowest, f"0 to {HIGHEST_FREQUENCY_HZ - 1} Hz")
    if highest > HIGHEST_FREQUENCY_HZ:
        problem = f"must not exceed {HIGHEST_FREQUENCY_HZ} Hz (half of the pulse rate)"
        raise RuleViolation(f"{field}.max", problem, highest, f"1 to {HIGHEST_FREQUENCY_HZ} Hz")
    if highest <= lowest:
        got, allowed = f"min={lowest}, max={highest}", f"0 <= min < max <= {HIGHEST_FREQUENCY_HZ} Hz"
        raise RuleViolation(f"{field}.max", f"must be above {field}.min", got, allowed)
