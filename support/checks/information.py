"""Matchers for the answers of the information endpoints (docs/facts/focus-server.md 3.1 to 3.3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from support.checks.matcher import Judged
from support.checks.messages import leftover
from support.clients.focus_server.client import Answer, ShapeError
from support.model.information import InformationAnswers
from support.model.sampling import SAMPLES, is_positive
from support.redaction import shortened

_FIBRE_NUMBERS = ("dx", "prr", "fiber_length_meters", "number_of_channels")
_MEASURED = ("dx", "prr", "fiber_start_meters", "fiber_length_meters")
_FIBRE_TEXTS = ("sw_version", "fiber_description")


def is_alive() -> Judged[InformationAnswers]:
    """Match status 200 with an empty body, or an empty object, which some builds send."""

    def mismatch(answers: InformationAnswers) -> str | None:
        answer = answers.alive
        if answer.status == 200 and answer.text.strip() in ("", "{}"):
            return None
        return f"the health check was answered {answer.status} {shortened(answer.text)!r}"

    return Judged("a server that says it is alive, and nothing more", mismatch)


def names_its_channels() -> Judged[InformationAnswers]:
    def mismatch(answers: InformationAnswers) -> str | None:
        fields = _fields(answers.channels)
        if isinstance(fields, str):
            return f"the channels: {fields}"
        lowest, highest = fields.get("lowest_channel"), fields.get("highest_channel")
        if type(lowest) is not int or type(highest) is not int:
            return f"the lowest and highest channel are {lowest!r} and {highest!r}"
        return None if 1 <= lowest <= highest else f"the channels go from {lowest} to {highest}"

    return Judged("a lowest channel of at least 1, and a highest not below it", mismatch)


def describes_its_fibre() -> Judged[InformationAnswers]:
    """Match the description of a connected fibre: positive numbers, and texts that are not empty."""

    def mismatch(answers: InformationAnswers) -> str | None:
        fields = _fields(answers.fibre)
        if isinstance(fields, str):
            return f"the fibre: {fields}"
        wrong = [name for name in _FIBRE_NUMBERS if not is_positive(fields.get(name))]
        texts = {*_FIBRE_TEXTS, *(name for name, value in fields.items() if isinstance(value, str))}
        wrong += [name for name in sorted(texts) if not _tells_something(fields.get(name))]
        if not _is_number(fields.get("fiber_start_meters")) or fields["fiber_start_meters"] < 0:
            wrong.append("fiber_start_meters")
        return "; ".join(f"{name} is {fields.get(name, 'missing')!r}" for name in wrong) or None

    return Judged("a fibre with positive measures, a version and a description", mismatch)


def channels_agree_with_the_fibre() -> Judged[InformationAnswers]:
    """Match as many channels as the fibre has. A fraction of a channel is rounded (docs/facts/focus-server.md 3.3)."""

    def mismatch(answers: InformationAnswers) -> str | None:
        bounds, fibre = _fields(answers.channels), _fields(answers.fibre)
        if isinstance(bounds, str) or isinstance(fibre, str):
            return f"the channels: {bounds}; the fibre: {fibre}"
        try:
            channels = bounds["highest_channel"] - bounds["lowest_channel"] + 1
            of_fibre = round(fibre["number_of_channels"])
        except (KeyError, TypeError) as error:
            return f"they cannot be compared: {error!r}"
        return None if channels == of_fibre else f"{channels} channels are offered, and the fibre has {of_fibre}"

    return Judged("as many channels as the fibre has", mismatch)


def has_twice_the_frequency(highest_hz: float) -> Judged[InformationAnswers]:
    """Match a pulse rate of twice ``highest_hz``: frequencies above half of the pulse rate cannot be seen (CF-02)."""

    def mismatch(answers: InformationAnswers) -> str | None:
        fields = _fields(answers.fibre)
        if isinstance(fields, str):
            return f"the fibre: {fields}"
        rate = fields.get("prr", "missing")
        return None if is_positive(rate) and rate == 2 * highest_hz else f"the pulse rate is {rate!r}"

    return Judged(f"a pulse rate of {2 * highest_hz:g}/s, for a highest frequency of {highest_hz:g} Hz", mismatch)


def has_measures_that_fit_together() -> Judged[InformationAnswers]:
    """Match channels that fit into the fibre, and samples, if given, that span its length to within one sample."""

    def mismatch(answers: InformationAnswers) -> str | None:
        fields = _fields(answers.fibre)
        if isinstance(fields, str):
            return f"the fibre: {fields}"
        spacing_m, length_m, channels = (
            fields.get(name) for name in ("dx", "fiber_length_meters", "number_of_channels")
        )
        if not (is_positive(spacing_m) and is_positive(length_m) and is_positive(channels)):
            return f"spacing {spacing_m!r}, length {length_m!r} and number of channels {channels!r} are no measures"
        if channels * spacing_m > length_m + spacing_m:
            return f"{channels:g} channels, {spacing_m:g} m apart or more, do not fit into a fibre of {length_m:g} m"
        samples = fields.get(SAMPLES)
        if is_positive(samples) and abs(samples * spacing_m - length_m) > spacing_m:
            return f"{samples:g} samples, {spacing_m:g} m apart, are not the {length_m:g} m of the fibre"
        return None

    return Judged("channels and samples that fit to the length of the fibre", mismatch)


def says_that_it_waits() -> Judged[InformationAnswers]:
    """Match the answer while no fibre is connected: no pulse rate, spacing, start or length, and "waiting" as texts.

    Status 404 matches as well.
    """

    def mismatch(answers: InformationAnswers) -> str | None:
        if answers.fibre.status == 404:
            return None
        fields = _fields(answers.fibre)
        if isinstance(fields, str):
            return f"the fibre: {fields}"
        wrong = [name for name in _MEASURED if fields.get(name)]
        wrong += [name for name in _FIBRE_TEXTS if "waiting" not in str(fields.get(name))]
        return "; ".join(f"{name} is {fields.get(name)!r}" for name in wrong) or None

    return Judged("a server that waits for a fibre, and measures nothing yet", mismatch)


def tells_the_same_each_time() -> Judged[Collection[InformationAnswers]]:
    def mismatch(rounds: Collection[InformationAnswers]) -> str | None:
        if len(rounds) < 2:
            return f"it was asked {len(rounds)} times, which cannot be compared"
        for name in ("alive", "channels", "fibre"):
            failed = [one for one in (getattr(each, name) for each in rounds) if one.status >= 500]
            if failed and failed[0].status != 503:
                return f"{name} was answered {failed[0].status} {failed[0].message!r}, which tells nothing"
            answers = {(answer.status, answer.text) for answer in (getattr(each, name) for each in rounds)}
            if len(answers) > 1:
                return f"{name} was answered in {len(answers)} ways: {sorted(answers)[:2]}"
        return None

    return Judged("the same answers each time", mismatch)


def _fields(answer: Answer) -> Mapping[str, Any] | str:
    """Return the object in the answer, or a sentence that says what is wrong with the answer."""
    if answer.status != 200:
        return f"it was answered {answer.status} {answer.message!r}"
    try:
        body = answer.json()
    except ShapeError as error:
        return str(error)
    return body if isinstance(body, dict) else f"it was answered {shortened(answer.text)!r}, which is not an object"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tells_something(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and leftover(value) is None
