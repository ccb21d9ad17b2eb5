"""Rules that let through what they should refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from environments.sandbox.focus_server.recordings import Recording, RecordingRules
from environments.sandbox.focus_server.rules import Rules
from environments.sandbox.focus_server.schema import ConfigureRequest, Window

Active = Callable[[str], bool]


class FaultyRules(Rules):
    """Accepts bad windows. Only ``POST /configure`` does: listing recordings has a fault of its own."""

    def __init__(self, active: Active) -> None:
        self._active = active
        self._configuring = False

    def check_configure(self, request: ConfigureRequest) -> None:
        self._configuring = True
        try:
            super().check_configure(request)
        finally:
            self._configuring = False

    def check_both_times_or_neither(self, request: ConfigureRequest) -> None:
        if not self._accepts("one-sided-window-accepted"):
            super().check_both_times_or_neither(request)

    def check_not_negative(self, field: str, time_s: int) -> None:
        if not self._accepts("negative-time-accepted"):
            super().check_not_negative(field, time_s)

    def check_not_equal(self, window: Window) -> None:
        if not self._accepts("equal-times-accepted"):
            super().check_not_equal(window)

    def check_not_reversed(self, window: Window) -> None:
        if not self._accepts("reversed-window-accepted"):
            super().check_not_reversed(window)

    def check_not_in_the_future(self, field: str, time_s: int) -> None:
        if not self._accepts("future-window-accepted"):
            super().check_not_in_the_future(field, time_s)

    def _accepts(self, fault: str) -> bool:
        return self._configuring and self._active(fault)


class FaultyRecordingRules(RecordingRules):
    """Counts what is no data."""

    def __init__(self, active: Active) -> None:
        self._active = active

    def is_deleted(self, recording: Recording) -> bool:
        return super().is_deleted(recording) and not self._active("deleted-recordings-count")

    def is_stale(self, recording: Recording, now: datetime) -> bool:
        return super().is_stale(recording, now) and not self._active("stale-recordings-count")
