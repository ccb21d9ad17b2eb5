"""The matchers on configurations and information: accepted values, rejected values, and the wording of mismatches."""

from __future__ import annotations

from typing import Any

import pytest

from support.checks import answers, configuration, fibre, information
from support.clients.focus_server.client import Answer, OpenedInvestigation
from support.model.fields import MISSING
from support.model.information import InformationAnswers
from support.model.requests import live
from tests.support.domain.test_answer_checks import answer, opened
from tests.support.domain.test_job_checks import trouble

REQUEST = {**live(), "channels": {"min": 5, "max": 7}, "frequencyRange": {"min": 0, "max": 10}}
FIBRE = {
    "dx": 1.02,
    "prr": 2000.0,
    "fiber_start_meters": 0,
    "fiber_length_meters": 5000,
    "sw_version": "10.7.122",
    "number_of_channels": 2337.4,
    "fiber_description": "a fibre",
}
CHANNELS = {"lowest_channel": 1, "highest_channel": 2337}


def investigation(**changes: object) -> OpenedInvestigation:
    body: dict[str, object] = {
        "stream_amount": 2,
        "channel_amount": 3,
        "frequencies_amount": 3,
        "frequencies_list": [0.0, 3.0, 6.0],
        "lines_dt": 0.01,
        "channel_to_stream_index": {"5": 0, "6": 0, "7": 1},
    }
    return opened(**{**body, **changes}).opened()


def judge(matcher: Any, item: object, words: str | None) -> None:
    text = trouble(matcher, item)
    assert (text is None) if words is None else (text is not None and words in text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"frequencies_amount": 4}, "4 frequencies are announced and 3 are listed"),
        ({"frequencies_amount": 0, "frequencies_list": []}, "0 are listed"),
        ({"frequencies_list": [0.0, 2.0, 2.0]}, "not ascending"),
        ({"frequencies_list": [0.0, 2.0, 10.1]}, "1 frequencies are outside of the range, the first is 10.1 Hz"),
        ({"frequencies_list": [-0.1, 2.0, 10.0]}, "outside of the range"),
        ({"frequencies_list": [1.0, 4.0, 7.0]}, "the frequencies begin at 1 Hz"),
        ({"frequencies_list": [0.0, 3.0, 6.1]}, "the steps from one frequency to the next are 3 to 3.1 Hz"),
        ({"frequencies_list": [0.0, 1.9, 3.8]}, "the frequencies end at 3.8 Hz"),
        ({"frequencies_list": [0.0], "frequencies_amount": 1}, None),
    ],
)
def test_frequencies(changes: dict[str, object], words: str | None) -> None:
    judge(configuration.frequencies_agree_with(REQUEST), investigation(**changes), words)


@pytest.mark.parametrize(
    ("step_hz", "words"),
    [
        (1000 / 513, None),  # the requested NFFT
        (2000 / 1025, None),  # doubled, as in a capture of December
        (4000 / 513, None),  # from a quarter of it, as in October
        (1000 / 512, "the frequencies are 1.95312 Hz apart, as no transform of NFFT 1024 has them at 2000 Hz"),
        (1000 / 514, "as no transform of NFFT 1024"),
    ],
)
def test_frequencies_of_the_bins(step_hz: float, words: str | None) -> None:
    request = {**REQUEST, "nfftSelection": 1024, "frequencyRange": {"min": 100, "max": 116}}
    listed = [100 + number * step_hz for number in range(int(16 // step_hz) + 1)]
    told = {
        "frequencies_list": listed,
        "frequencies_amount": len(listed),
        "metadata": {"prr": 1, "parent": {"prr": 2000}},
    }
    judge(configuration.frequencies_agree_with(request), investigation(**told), words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"channel_to_stream_index": {"5": 0, "7": 1}}, "channels without a stream: [6]"),
        ({"channel_to_stream_index": {"5": 0, "6": 0, "7": 1, "8": 1}}, "channels nobody asked for: [8]"),
        ({"channel_amount": 1}, "1 channels are announced and 3 are mapped"),
        ({"stream_amount": 3}, "3 streams are announced and [0, 1] are mapped to"),
        ({"channel_to_stream_index": {"5": 1, "6": 1, "7": 2}}, "[1, 2] are mapped to"),
        ({"channel_to_stream_index": {"5": 0, "6": 1, "7": 0}}, "do not lie side by side"),
        ({"channel_to_stream_index": {"5": 0, "6": 1, "7": 1}}, "the streams have 1, 2 channels"),
    ],
)
def test_channels(changes: dict[str, object], words: str | None) -> None:
    judge(configuration.channels_agree_with(REQUEST), investigation(**changes), words)


@pytest.mark.parametrize(("lines_dt", "words"), [(0.01, None), (0.02, "a line lasts 0.02 s"), (0, "a line lasts 0 s")])
def test_lines(lines_dt: float, words: str | None) -> None:
    judge(configuration.lines_agree_with(REQUEST), investigation(lines_dt=lines_dt), words)


def test_view_and_streams() -> None:
    judge(configuration.has_the_view_of(REQUEST), investigation(), None)
    judge(configuration.has_the_view_of(REQUEST), investigation(view_type=2), "the view is 2")
    judge(configuration.has_streams(2), investigation(), None)
    judge(configuration.has_streams(1), investigation(), "has 2 streams")


@pytest.mark.parametrize(
    ("wrong", "message", "words"),
    [
        ({"channels.min": 0}, "channels.min must be at least 1: got 0, allowed 1 to 2222", None),
        ({"channels.min": 0}, "channels.min must be from 1 to 2220", "does not name the value 0"),
        ({"channels.min": -1}, "channels.min must be at least 1", "does not name the value -1"),
        ({"nfftSelection": 1}, "nfftSelection must not be 1.5", "does not name the value 1"),
        ({"channels.max": 2223}, "channels must be at most 2222 channels: got 2223", None),
        ({"view_type": MISSING}, "view_type is required: got nothing, allowed '0'", None),
        ({"view_type": None}, "view_type must be one of '0', '1'", "does not name the value that is missing"),
        ({"view_type": "3"}, "view_type '3' is wrong", "does not say what is allowed"),
        ({}, "view_type must be '0'", "names none of the fields"),
    ],
)
def test_what_to_do(wrong: dict[str, object], message: str, words: str | None) -> None:
    judge(answers.says_what_to_do(wrong), answer(400, {"error": message}), words)


def test_nothing_is_named_as_allowed_that_is_refused() -> None:
    wrong, highest = {"frequencyRange.max": 1001}, {"frequencyRange.max": 1000.0}
    said = "frequencyRange.max must not exceed 1000 Hz: got 1001, allowed 1 to {} Hz"
    judge(answers.says_what_to_do(wrong, highest), answer(400, {"error": said.format(1000)}), None)
    judge(answers.says_what_to_do(wrong, highest), answer(400, {"error": said.format(1001)}), "allows 1001")


def test_a_fibre_is_waited_for() -> None:
    waiting = {"dx": 0.0, "prr": 0, "sw_version": "waiting for fiber", "fiber_description": "waiting for fiber"}
    judge(information.says_that_it_waits(), told(fibre=waiting), None)
    judge(information.says_that_it_waits(), told(fibre={**waiting, "prr": 1.0}), "prr is 1.0")
    judge(information.says_that_it_waits(), told(fibre={**waiting, "sw_version": "10"}), "sw_version is '10'")
    judge(information.says_that_it_waits(), told(), "dx is 1.02")


def test_unknown_address_and_method_have_their_own_answers() -> None:
    judge(answers.the_server_does_not_know("address"), answer(404, {"detail": "Not Found"}), None)
    judge(answers.the_server_does_not_know("method"), answer(404, {"detail": "Not Found"}), "answered 404")
    judge(answers.the_server_does_not_know("address"), answer(404, 'File "x.py", line 3'), "x.py")


def told(alive: bytes = b"", channels: object = None, fibre: object = None, status: int = 200) -> InformationAnswers:
    return InformationAnswers(
        Answer(status, {}, alive, 0.01), answer(200, channels or CHANNELS), answer(200, fibre or FIBRE)
    )


def test_alive_is_an_empty_answer() -> None:
    judge(information.is_alive(), told(), None)
    judge(information.is_alive(), told(b"{}"), None)
    judge(information.is_alive(), told(b"warming up"), "'warming up'")
    judge(information.is_alive(), told(status=503), "answered 503")


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        (CHANNELS, None),
        ({"lowest_channel": 0, "highest_channel": 5}, "the channels go from 0 to 5"),
        ({"lowest_channel": 7, "highest_channel": 5}, "the channels go from 7 to 5"),
        ({"lowest_channel": "1", "highest_channel": 5}, "'1' and 5"),
        ([1, 5], "not an object"),
    ],
)
def test_channels_have_bounds(channels: object, words: str | None) -> None:
    judge(information.names_its_channels(), told(channels=channels), words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"dx": 0.0}, "dx is 0.0"),
        ({"sw_version": ""}, "sw_version is ''"),
        ({"fiber_start_meters": None}, "fiber_start_meters is None"),
        ({"fiber_start_meters": -1}, "fiber_start_meters is -1"),
        ({"fiber_description": "None"}, "fiber_description is 'None'"),
        ({"dtype": "<class 'numpy.float32'>"}, "dtype is"),
    ],
)
def test_fibre_is_described(changes: dict[str, object], words: str | None) -> None:
    judge(information.describes_its_fibre(), told(fibre={**FIBRE, **changes}), words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"dx": 2.5}, "2337.4 channels, 2.5 m apart or more, do not fit into a fibre of 5000 m"),
        ({"fiber_length_meters": None}, "length None"),
        ({"num_samples_per_trace": 4902}, None),
        ({"num_samples_per_trace": 4904}, "4904 samples, 1.02 m apart, are not the 5000 m of the fibre"),
    ],
)
def test_measures_of_the_fibre(changes: dict[str, object], words: str | None) -> None:
    judge(information.has_measures_that_fit_together(), told(fibre={**FIBRE, **changes}), words)


def test_an_investigation_shows_the_fibre_that_the_server_tells_of() -> None:
    seen = fibre.shows({"dx": 1.0, "prr": 2000.0, "fiber_description": "north"})
    judge(seen, investigation(metadata={"parent": {"dx": 1.0, "prr": 2000, "sw_version": None}}), None)
    judge(seen, investigation(metadata={"dx": None, "parent": {"dx": 2.0}}), "dx is 2.0 instead of 1.0")
    judge(seen, investigation(metadata=None), None)


def test_the_channels_of_an_investigation_are_made_of_its_samples() -> None:
    seen = fibre.shows({"number_of_channels": 2447.75})
    judge(seen, investigation(metadata={"num_samples_per_trace": 9791, "decimation_factor_x": 4}), None)
    judge(seen, investigation(metadata={"num_samples_per_trace": 9791}), None)
    twice = {"parent": {"num_samples_per_trace": 9791, "decimation_factor_x": 2}}
    judge(seen, investigation(metadata=twice), "4895.5 channels are made of its samples, not 2447.75")


def test_the_words_of_an_investigation_are_for_people() -> None:
    seen = fibre.shows({})
    judge(seen, investigation(metadata={"recording_timezone": "Asia/Jerusalem", "cmd": "x --until None"}), None)
    judge(seen, investigation(metadata={"parent": {"sw_version": "None"}}), "sw_version contains no value (None)")


def test_channels_of_the_fibre_are_rounded() -> None:
    matcher = information.channels_agree_with_the_fibre()
    judge(matcher, told(), None)
    judge(matcher, told(fibre={**FIBRE, "number_of_channels": 2447.75}), "2337 channels are offered")
    judge(matcher, told(fibre={"dx": 1}), "cannot be compared")


def test_same_answers_each_time() -> None:
    matcher = information.tells_the_same_each_time()
    judge(matcher, [told(), told()], None)
    judge(matcher, [told(), told(fibre={**FIBRE, "dx": 2})], "fibre was answered in 2 ways")
    judge(matcher, [told(), told(b"x")], "alive was answered in 2 ways")
