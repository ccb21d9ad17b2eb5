"""The hours in which a site may be loaded, such as ``22:00-05:00 Asia/Jerusalem``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ALLOWED = "two times of a day and a time zone, such as 22:00-05:00 Asia/Jerusalem"
_FORM = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d) ([A-Za-z][\w+/-]*)", re.ASCII)


@dataclass(frozen=True)
class LoadWindow:
    """A daily window from ``start`` to before ``end`` by the clocks of ``zone``.

    It spans midnight if the end is earlier.
    """

    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> LoadWindow:
        """Parse a window. Raises :class:`ValueError`, whose text says what is allowed."""
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(ALLOWED)
        start, end = (_time(each) for each in form.groups()[:2])
        if start == end:
            raise ValueError(f"{ALLOWED}, with an end that is not its start")
        try:
            return cls(start, end, ZoneInfo(form[3]))
        # A malformed name raises ValueError. The name of a folder of the time zone data raises OSError.
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{ALLOWED}; there is no time zone {form[3]}") from error

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"

    def objection(self, now: datetime) -> str | None:
        """Return why no load is allowed at ``now``, or None."""
        there = now.astimezone(self.zone)
        if self._holds(there.time()):
            return None
        return f"safety.load_between is {self}, and it is {there:%H:%M} there"

    def _holds(self, at: time) -> bool:
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{ALLOWED}; {text} is no time of a day") from error


def load_window(text: str) -> str:
    """Return the text of a window with single blanks. Raises :class:`ValueError` if it is no window."""
    return str(LoadWindow.parse(" ".join(text.split())))
