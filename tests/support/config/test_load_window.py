"""The hours in which a site may be loaded, by the clock of the site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from support.config.load_window import LoadWindow, load_window

NIGHT, DAY = "22:00-05:00 Asia/Jerusalem", "09:00-17:30 UTC"


@pytest.mark.parametrize(
    ("window", "at", "open_"),
    [
        (NIGHT, "2026-01-15T19:59:59+00:00", False),  # 21:59:59 at the site, in winter
        (NIGHT, "2026-01-15T20:00:00+00:00", True),
        (NIGHT, "2026-01-15T22:30:00+00:00", True),
        (NIGHT, "2026-01-16T02:59:59+00:00", True),
        (NIGHT, "2026-01-16T03:00:00+00:00", False),
        (NIGHT, "2026-07-15T19:00:00+00:00", True),  # 22:00 at the site, in summer
        (NIGHT, "2026-07-15T18:59:00+00:00", False),
        (DAY, "2026-01-15T09:00:00+00:00", True),
        (DAY, "2026-01-15T17:30:00+00:00", False),
        (DAY, "2026-01-15T18:00:00+01:00", True),
    ],
)
def test_the_clock_of_the_site_decides(window: str, at: str, open_: bool) -> None:
    objection = LoadWindow.parse(window).objection(datetime.fromisoformat(at))
    assert (objection is None) is open_


def test_the_objection_tells_the_window_and_the_time_there() -> None:
    at = datetime(2026, 1, 15, 10, 5, tzinfo=UTC)
    assert LoadWindow.parse(NIGHT).objection(at) == f"safety.load_between is {NIGHT}, and it is 12:05 there"


def test_every_minute_of_a_day_is_in_a_window_or_in_the_rest_of_the_day() -> None:
    window, rest = LoadWindow.parse("22:00-05:00 UTC"), LoadWindow.parse("05:00-22:00 UTC")
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    for minute in range(24 * 60):
        at = begin + timedelta(minutes=minute)
        assert (window.objection(at) is None) is (rest.objection(at) is not None)


def test_blanks_do_not_matter() -> None:
    assert load_window("  22:00-05:00   Asia/Jerusalem ") == NIGHT
