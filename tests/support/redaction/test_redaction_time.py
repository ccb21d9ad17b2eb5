"""Redaction takes linear time for any text, so that a long log does not delay a report."""

from __future__ import annotations

import base64
import gc
import json
import random
import time
from collections.abc import Callable

import pytest

from support.redaction import Redactor
from support.redaction.output import RedactedStream

CHANCE = random.Random(12)
KEY = "\n".join(base64.b64encode(CHANCE.randbytes(48)).decode() for _ in range(24))
REDACTOR = Redactor("p'ä\"ss://w@rd/1 %&<x>", "\\\"'leading-and-5c%5c", f"-----BEGIN K-----\n{KEY}\n-----END K-----")
LOG = (
    "2026-11-27T21:26:14.123Z INFO  focus_server.jobs: job 12-2031 token=hunter2two is Running on node-1, port 12301\n"
)
POD = {"name": "grpc-job-1-16", "labels": {"app": "x"}, "env": [{"name": "DB_PASSWORD", "value": 'hun"ter2'}]}


def repeated(text: str) -> Callable[[int], str]:
    return lambda size: text * (size // len(text))


KINDS: dict[str, Callable[[int], str]] = {
    "a log": repeated(LOG),
    "a log without secrets": repeated(LOG.replace("token=", "")),
    "JSON": lambda size: json.dumps([POD] * (size // 120)),
    "JSON in JSON": lambda size: json.dumps({"a": json.dumps({"b": json.dumps([POD] * (size // 200))})}),
    "base64": lambda size: base64.b64encode(random.Random(size).randbytes(size * 3 // 4)).decode(),
    "hexadecimal": lambda size: random.Random(size).randbytes(size // 2).hex(),
    "a line of the key": repeated(f"{KEY.splitlines()[3]}\n"),
    "one word": repeated("a"),
    "names without a value": repeated("token."),
    "words with hyphens": repeated("a-secret-"),
    "hyphens": repeated("-"),
    "backslashes": repeated("\\"),
    "percent signs": repeated("%25"),
    "percent-encoded backslashes": repeated("%5c"),
    "backslashes and a known secret": lambda size: "leading-and-5c" + "\\" * size,
    "quotation marks and a known secret": lambda size: "leading-and-5c" + "'" * size,
    "quotation marks": repeated("'\""),
    "URLs without a login": repeated("http://host:80,"),
    "URLs without an end": repeated("a://b:c"),
    "a login without an end": repeated("http://user:pass"),
    "tokens without an end": repeated("-eyJ"),
    "halves of tokens": repeated(".eyJaaaaaaaa"),
    "keys without an end": repeated("-----BEGIN RSA PRIVATE KEY-----\n"),
    "certificates": repeated("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
    "names and values": repeated("name: token, value: "),
    "quotes that do not end": repeated("token='"),
    "blanks after a name": lambda size: "token" + " " * size,
    "options": repeated("--token --password "),
    "users": repeated(" -u ====="),
    "letters that grow in small letters": repeated("İ token "),
}


TIMES = 5
LIMIT = 8.0 * 2
"""The highest ratio of the times for eight times the text; a time that grows with the square gives 64."""


def taken_s(do: Callable[[], object]) -> float:
    """Processor seconds of this process."""
    started_s = time.process_time()
    do()
    return time.process_time() - started_s


def ratio_of_times(large: Callable[[], object], small: Callable[[], object], limit: float) -> float:
    """The ratio of the least times, because other load on the machine can only add to a time. The large one is repeated
    only while the ratio is above the limit: a further time could only lower it."""
    unit_s = min(taken_s(small) for _ in range(TIMES))
    ratio = taken_s(large) / unit_s
    for _ in range(TIMES - 1):
        if ratio < limit:
            break
        ratio = min(ratio, taken_s(large) / unit_s)
    return ratio


@pytest.mark.parametrize("kind", KINDS)
def test_the_time_grows_with_the_text(kind: str) -> None:
    small, large = KINDS[kind](20_000), KINDS[kind](160_000)
    gc.collect()
    ratio = ratio_of_times(lambda: REDACTOR.redact(large), lambda: REDACTOR.redact(small), LIMIT)
    assert ratio < LIMIT, f"eight times the text takes {ratio:.1f} times the time"


class Nowhere:
    def write(self, text: str) -> int:
        return len(text)


@pytest.mark.parametrize(
    "line", ["a key\n", "- name: DB_PASSWORD\n", "-----BEGIN RSA PRIVATE KEY-----\n", "a piece of a line"]
)
def test_the_time_of_a_stream_grows_with_what_is_printed(line: str) -> None:
    def printed(times: int) -> None:
        stream = RedactedStream(Nowhere())  # type: ignore[arg-type]  # all that is asked of it
        for _ in range(times):
            stream.write(line)

    ratio = ratio_of_times(lambda: printed(8_000), lambda: printed(1_000), LIMIT)
    assert ratio < LIMIT, f"eight times the lines take {ratio:.1f} times the time"
