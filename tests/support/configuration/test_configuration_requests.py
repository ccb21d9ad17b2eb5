"""The words of the features, the requests they stand for, and the fields a refusal must name."""

from __future__ import annotations

from typing import Any

import pytest

from support.config.limits import Limits
from support.model.fields import FIELDS, MISSING, SUBJECTS
from support.model.requests import channels_of, live, live_in
from support.model.variations import request_with

LIMITS = Limits()


def fields(variation: str) -> dict[str, Any]:
    request = request_with(variation, LIMITS)
    assert not isinstance(request, bytes)
    return dict(request)


def changes(variation: str) -> dict[str, Any]:
    """The fields that differ from the ordinary request."""
    return {name: value for name, value in fields(variation).items() if value != live()[name]}


@pytest.mark.parametrize(
    ("variation", "changed"),
    [
        ("channels from -1 to 50", {"channels": {"min": -1, "max": 50}}),
        ("as many channels as allowed", {"channels": {"min": 1, "max": 2222}}),
        ("one channel more than allowed", {"channels": {"min": 1, "max": 2223}}),
        ("a frequency above the highest", {"frequencyRange": {"min": 0, "max": 1001}}),
        ("only the highest frequencies", {"frequencyRange": {"min": 999, "max": 1000}}),
        ("NFFT -1024", {"nfftSelection": -1024}),
        ("a canvas height of 0", {"displayInfo": {"height": 0}}),
        ('the view "99"', {"view_type": "99"}),
        ("nothing as its lowest channel", {"channels": {"min": None, "max": 50}}),
        ("a fraction as its NFFT", {"nfftSelection": 1.5}),
        ("no highest frequency", {"frequencyRange": {"min": 0}}),
    ],
)
def test_one_thing_is_changed(variation: str, changed: dict[str, Any]) -> None:
    assert changes(variation) == changed


def test_missing_field_is_not_sent_and_nothing_is_sent_as_null() -> None:
    assert "view_type" not in fields("no view") and fields("nothing as its view")["view_type"] is None


def test_views_have_their_own_requests() -> None:
    assert fields("NFFT 4096 in the single channel view")["channels"] == {"min": 7, "max": 7}
    assert "frequencyRange" not in fields("the waterfall view")
    assert fields("a waterfall with a time axis")["displayTimeAxisDuration"] == 10


def test_bytes_stay_bytes() -> None:
    assert request_with("an empty body", LIMITS) == b"" and request_with("a list as its body", LIMITS) == b"[]"


def test_one_variation_does_not_change_another() -> None:
    request_with("no lowest channel", LIMITS)
    assert live_in("0")["channels"] == {"min": 1, "max": 50}


def test_limits_of_another_site_are_used() -> None:
    assert dict(request_with("one channel more than allowed", Limits(most_channels=10)))["channels"]["max"] == 11


def test_unknown_words_are_refused_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match="known are: as many channels as allowed"):
        request_with("some channels", LIMITS)


@pytest.mark.parametrize(
    ("words", "variation", "wrong"),
    [
        ("lowest channel", "channels from 0 to 50", {"channels.min": 0}),
        ("channels", "one channel more than allowed", {"channels.max": 2223}),
        ("time axis", "a waterfall with a time axis", {"displayTimeAxisDuration": 10}),
        ("highest channel", "two channels in the single channel view", {"channels.max": 8}),
        ("canvas", "no canvas", {"displayInfo": MISSING}),
        ("lowest channel", "no lowest channel", {"channels.min": MISSING}),
        ("NFFT", "nothing as its NFFT", {"nfftSelection": None}),
        ("body", "an empty body", {}),
    ],
)
def test_wrong_values_are_those_an_opening_request_does_not_hold(
    words: str, variation: str, wrong: dict[str, object]
) -> None:
    assert SUBJECTS[words].wrong_values(request_with(variation, LIMITS)) == wrong


def test_times_are_a_subject_too() -> None:
    sent = {**live(), "start_time": 2000, "end_time": 1000}
    assert SUBJECTS["time range"].wrong_values(sent) == {"start_time": 2000, "end_time": 1000}


def test_every_field_is_a_subject() -> None:
    assert set(FIELDS) < set(SUBJECTS)


@pytest.mark.parametrize("channels", [None, [1, 50], "many", 5])
def test_channels_that_are_none_are_not_looked_into(channels: object) -> None:
    assert channels_of({"channels": channels}) == (None, None) == channels_of({})
