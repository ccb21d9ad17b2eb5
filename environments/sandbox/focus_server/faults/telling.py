"""Faults: metadata that are incomplete, contradictory or late, and a fibre that is not noticed."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from environments.sandbox.focus_server.answer_book import AnswerBook
from environments.sandbox.focus_server.answers import CHANNEL_DISTANCE_M
from environments.sandbox.focus_server.faults.plain import (
    PLAIN_REQUEST,
    Unclear,
    error_17,
    instead_of,
    left_out,
    parsing_failed,
    refusing,
)
from environments.sandbox.focus_server.hooks import Proceed, change, fault
from environments.sandbox.focus_server.refusals import NoLiveMetadata, UnknownJob, WaitingForFibre
from environments.sandbox.focus_server.service import FocusService

METADATA_LATE_S = 6.0
SLOWER_EACH_READ_S, FORGOTTEN_AFTER_READS = 0.001, 60
Told = Mapping[str, Any]


def _without(field: str) -> Callable[..., Told]:
    return lambda told, *asked: {name: value for name, value in told.items() if name != field}


def _with(field: str, value: Callable[[Told], Any]) -> Callable[..., Told]:
    """Replace a field. Some fields are missing while no fibre is connected; those are left out."""
    return lambda told, *asked: {**told, field: value(told)} if field in told else told


change("channels-reversed", at="channels.tell")(
    lambda channels, service: dict(zip(channels, reversed(list(channels.values())), strict=True))
)
change("live-metadata-without-distance", at="fibre.tell")(_without("dx"))
change("live-dtype-missing", at="fibre.tell")(_without("dtype"))
change("live-samples-missing", at="fibre.tell")(_without("num_samples_per_trace"))
change("live-dtype-not-allowed", at="fibre.tell")(_with("dtype", lambda told: "complex64"))
change("fibre-has-another-pulse-rate", at="fibre.tell")(_with("prr", lambda told: told["prr"] / 2))
change("fibre-has-other-channels", at="fibre.tell")(
    _with("number_of_channels", lambda told: told["number_of_channels"] - 1)
)
change("live-samples-and-channels-disagree", at="fibre.tell")(
    _with("num_samples_per_trace", lambda told: told["number_of_channels"] // 2)
)
change("measures-told-of-no-fibre", at="fibre.tell")(
    lambda told, service: told if service.fibre_connected else {**told, "dx": CHANNEL_DISTANCE_M}
)
change("fibre-data-type-is-a-leftover", at="fibre.tell")(_with("dtype", lambda told: "<class 'numpy.float32'>"))
change("fibre-described-by-a-leftover", at="fibre.tell")(_with("fiber_description", lambda told: "None"))
change("fibre-shorter-than-its-channels", at="fibre.tell")(_with("fiber_length_meters", lambda told: 1000))
change("fibre-longer-than-its-samples", at="fibre.tell")(
    _with("fiber_length_meters", lambda told: told["fiber_length_meters"] and 2 * told["fiber_length_meters"])
)


def _of_the_fibre(field: str, value: Callable[[Any], Any]) -> Callable[..., Told]:
    """Replace a value at the parent level of an answer's metadata, if it exists: recordings have fewer fields."""

    def told(answer: Told, *asked: Any) -> Told:
        metadata = answer["metadata"]
        parent = metadata["parent"]
        changed = {field: value(parent[field])} if field in parent else {}
        return {**answer, "metadata": {**metadata, "parent": {**parent, **changed}}}

    return told


change("one-frequency-listed", at="configure.answer")(
    lambda answer, *asked: {**answer, "frequencies_list": answer["frequencies_list"][:1], "frequencies_amount": 1}
)
change("live-investigation-shows-another-fibre", at="configure.answer")(
    _of_the_fibre("fiber_description", lambda told: "another")
)
change("live-investigation-has-other-channels", at="configure.answer")(
    _of_the_fibre("decimation_factor_x", lambda told: told + 1)
)
change("live-investigation-described-by-a-leftover", at="configure.answer")(
    _of_the_fibre("recording_machine_name", lambda told: "<Machine object at 0x7f3a5c0d2e10>")
)


@fault("live-metadata-changes", at="fibre.tell", memory=itertools.count)
def _(asked: Iterator[int], proceed: Proceed, service: FocusService) -> Told:
    return {**proceed(service), "fiber_start_meters": next(asked)}


fault("connected-fibre-not-noticed", at="fibre.check")(refusing(WaitingForFibre))


@fault("connecting-not-noticed", at="fibre.check", memory=lambda: SimpleNamespace(has_sent_away=False))
async def _(memory: SimpleNamespace, proceed: Proceed, service: FocusService) -> None:
    memory.has_sent_away = memory.has_sent_away or not service.fibre_connected
    if memory.has_sent_away:
        raise WaitingForFibre
    await proceed(service)


@fault("fibre-refusal-starts-a-job", at="fibre.check")
async def _(proceed: Proceed, service: FocusService) -> None:
    if not service.fibre_connected:
        await service.opener.start(PLAIN_REQUEST)
    await proceed(service)


@fault("live-metadata-not-found", at="fibre.tell")
def _(proceed: Proceed, service: FocusService) -> Told:
    raise NoLiveMetadata


fault("live-without-fibre-accepted", at="fibre.check")(left_out)


class _LacksWhatToDo(WaitingForFibre):
    """A refusal that says that no fibre is connected, but not what to do."""

    def body(self) -> Told:
        return {"error": str(self)}


class _LacksEverything(WaitingForFibre):
    """A refusal that also names a field as missing that the server reports."""

    def body(self) -> Told:
        return {**super().body(), "fiber": {"state": "waiting for fiber", "missing": ["prr", "number_of_channels"]}}


fault("fibre-refusal-without-what-to-do", at="fibre.check")(instead_of(WaitingForFibre, _LacksWhatToDo))
fault("fibre-refusal-names-what-is-there", at="fibre.check")(instead_of(WaitingForFibre, _LacksEverything))
fault("fibre-refusal-unclear", at="fibre.check")(
    instead_of(WaitingForFibre, lambda: Unclear(503, "Service unavailable"))
)
fault("answers-500-while-waiting-for-fibre", at="fibre.check")(instead_of(WaitingForFibre, parsing_failed))

fault("unknown-job-id-answered-500", at="metadata.tell")(
    instead_of(UnknownJob, lambda: Unclear(500, "Internal Server Error"))
)
fault("unknown-job-id-unclear", at="metadata.tell")(instead_of(UnknownJob, error_17))


@fault("metadata-late", at="answer.keep")
def _(proceed: Proceed, book: AnswerBook, job_id: str, answer: Told) -> None:
    asyncio.get_running_loop().call_later(METADATA_LATE_S, proceed, book, job_id, answer)


@fault("metadata-lost-with-the-server", at="answer.keep")
def _(proceed: Proceed, book: AnswerBook, job_id: str, answer: Told) -> None:
    """Keep the answer in memory only, so that it is lost with the process."""
    proceed(book, job_id, answer)
    (book.folder / job_id).unlink()


@fault("metadata-slower-with-every-read", at="metadata.tell", memory=itertools.count)
async def _(reads: Iterator[int], proceed: Proceed, service: FocusService, job_id: str) -> Told:
    await asyncio.sleep(next(reads) * SLOWER_EACH_READ_S)
    told: Told = await proceed(service, job_id)
    return told


@fault("metadata-forgotten-after-many-reads", at="metadata.tell", memory=Counter)
async def _(reads: Counter[str], proceed: Proceed, service: FocusService, job_id: str) -> Told:
    reads[job_id] += 1
    if reads[job_id] > FORGOTTEN_AFTER_READS:
        raise UnknownJob(job_id)
    told: Told = await proceed(service, job_id)
    return told


@fault("metadata-incomplete", at="metadata.tell")
async def _(proceed: Proceed, service: FocusService, job_id: str) -> Told:
    return _without("frequencies_list")(await proceed(service, job_id))


@fault("metadata-of-another-job", at="metadata.tell")
async def _(proceed: Proceed, service: FocusService, job_id: str) -> Told:
    answer, (slot, _, serial) = await proceed(service, job_id), job_id.partition("-")
    return {**answer, "job_id": f"{slot}-{int(serial) - 1}", "stream_port": answer["stream_port"] + 1}
