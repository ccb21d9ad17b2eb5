"""Faults: answers that differ from the request, or from the job that was started."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from environments.sandbox.focus_server.hooks import Proceed, change, fault
from environments.sandbox.focus_server.rules import HIGHEST_FREQUENCY_HZ

Answer = dict[str, Any]

DISTORTED: Mapping[str, Callable[[Answer], Answer]] = {
    "job-id-missing-from-answer": lambda answer: {"job_id": ""},
    "job-id-malformed": lambda answer: {"job_id": f"job-{answer['job_id'].partition('-')[2]}"},
    "stream-port-not-a-port": lambda answer: {"stream_port": 70000},
    "answered-port-differs": lambda answer: {"stream_port": answer["stream_port"] + 1000},
    "answered-view-differs": lambda answer: {"view_type": (answer["view_type"] + 1) % 3},
    "stream-amount-differs": lambda answer: {"stream_amount": answer["stream_amount"] + 1},
    "frequency-amount-differs": lambda answer: {"frequencies_amount": answer["frequencies_amount"] + 1},
    "frequencies-backwards": lambda answer: {"frequencies_list": answer["frequencies_list"][::-1]},
    "frequencies-outside-of-the-range": lambda answer: {
        "frequencies_list": [hertz + HIGHEST_FREQUENCY_HZ for hertz in answer["frequencies_list"]]
    },
    "frequencies-begin-late": lambda answer: {
        "frequencies_list": answer["frequencies_list"][1:],
        "frequencies_amount": answer["frequencies_amount"] - 1,
    },
    "frequencies-end-early": lambda answer: {
        "frequencies_list": answer["frequencies_list"][:-8],
        "frequencies_amount": answer["frequencies_amount"] - 8,
    },
    "frequencies-in-uneven-steps": lambda answer: {
        "frequencies_list": [
            lowest + (hertz - lowest) ** 0.99
            for lowest in answer["frequencies_list"][:1]
            for hertz in answer["frequencies_list"]
        ]
    },
    "frequencies-beside-the-bins": lambda answer: {
        "frequencies_list": [
            lowest + (hertz - lowest) * 0.99999
            for lowest in answer["frequencies_list"][:1]
            for hertz in answer["frequencies_list"]
        ]
    },
    "channels-of-a-stream-scattered": lambda answer: {
        "channel_to_stream_index": {
            channel: number % answer["stream_amount"]
            for number, channel in enumerate(answer["channel_to_stream_index"])
        }
    },
    "streams-of-uneven-size": lambda answer: {
        "channel_to_stream_index": {
            channel: min(number, answer["stream_amount"] - 1)
            for number, channel in enumerate(answer["channel_to_stream_index"])
        }
    },
    "channel-without-stream": lambda answer: {
        "channel_to_stream_index": dict(list(answer["channel_to_stream_index"].items())[:-1])
    },
    "channel-amount-differs": lambda answer: {"channel_amount": answer["channel_amount"] + 1},
    "line-time-differs": lambda answer: {"lines_dt": answer["lines_dt"] * 2},
}
"""Fault -> the fields of the answer that it replaces."""


def _replacing(distort: Callable[[Answer], Answer]) -> Callable[..., Answer]:
    return lambda answer, *asked: {**answer, **distort(answer)}


for _fault_id, _distort in DISTORTED.items():
    change(_fault_id, at="configure.answer")(_replacing(_distort))


@fault("answer-differs-when-asked-again", at="configure.answer", memory=itertools.count)
def _(asked: Iterator[int], proceed: Proceed, *request: Any) -> Answer:
    answer = proceed(*request)
    return {**answer, "lines_dt": answer["lines_dt"] * (1 + next(asked) % 2)}
