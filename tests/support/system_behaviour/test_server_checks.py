"""The matchers on the server as a process: accepted states, rejected states, and the wording of mismatches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from support.checks import server
from support.clients.focus_server.client import Answer, ConnectionFailed
from support.clients.kubernetes.client import Pod
from tests.support.domain.builders import pod
from tests.support.domain.test_answer_checks import answer
from tests.support.domain.test_job_checks import trouble

ALIVE = Answer(200, {}, b"", 0.01)
REFUSED = ConnectionFailed("GET /ack got no answer: connection refused", "refused", 0.0)
STARTED = "2026-03-01T10:00:00.000+0000 INFO pz.focus_server Focus Server ready"


def server_pod(restarts: int = 0, ready: bool = True) -> Pod:
    return dataclasses.replace(pod(name="focus"), restarts=restarts, ready=ready)


def test_alive_in_time() -> None:
    assert trouble(server.is_alive(1.0), ALIVE) is None
    assert trouble(server.is_alive(1.0), dataclasses.replace(ALIVE, duration_s=1.5, lost_s=0.6)) is None


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (REFUSED, "connection refused"),
        (answer(503, {"error": "Service unavailable"}), "it was answered 503 'Service unavailable'"),
        (dataclasses.replace(ALIVE, duration_s=1.5), "after 1.50 s"),
    ],
)
def test_not_alive(seen: server.Outcome, words: str) -> None:
    assert words in str(trouble(server.is_alive(1.0), seen))


def test_everybody_is_told_or_counted() -> None:
    assert trouble(server.are_all_told(1.0), [ALIVE] * 3) is None
    assert "1 of 3 were not told" in str(trouble(server.are_all_told(1.0), [ALIVE, REFUSED, ALIVE]))
    assert "nobody asked" in str(trouble(server.are_all_told(1.0), []))


def test_served_or_not() -> None:
    assert trouble(server.is_served(), answer(200, [])) is None
    assert "408" in str(trouble(server.is_served(), answer(408, {"error": "Request timeout"})))
    assert "refused" in str(trouble(server.is_served(), REFUSED))


def test_servers_that_are_ready() -> None:
    assert trouble(server.are_ready(1), [server_pod()]) is None
    assert "ready: False" in str(trouble(server.are_ready(1), [server_pod(ready=False)]))
    assert "no new server" in str(trouble(server.are_ready(1), []))
    assert trouble(server.are_ready(2), [server_pod()]) is not None


def test_servers_that_needed_more_than_one_attempt() -> None:
    assert trouble(server.were_not_restarted(), [server_pod()]) is None
    assert "focus was restarted 2 times" in str(trouble(server.were_not_restarted(), [server_pod(restarts=2)]))


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-01T10:00:00.000+0000 ERROR pz.focus_server something",
        "ModuleNotFoundError: No module named 'pz.sv_modules'",
        "ImportError: cannot import name 'heat'",
        "KeyError: 'livefs_forwarder'",
        "json.decoder.JSONDecodeError: Expecting value",
        "yaml.scanner.ScannerError: mapping values are not allowed here",
        "WARNING autocfg: parameter of focus_server.yaml is unknown",
        "Traceback (most recent call last):",
    ],
)
def test_log_with_an_error(line: str) -> None:
    assert line in str(trouble(server.tells_of_no_error(), f"{STARTED}\n{line}\n"))


def test_log_without_an_error() -> None:
    peaceful = 'INFO:     10.0.0.1:5 - "GET /ack HTTP/1.1" 200 OK\nWARNING MongoDB does not answer yet\nautocfg loaded'
    assert trouble(server.tells_of_no_error(), f"{STARTED}\n{peaceful}") is None
    assert "the log is empty" in str(trouble(server.tells_of_no_error(), "\n"))


@pytest.mark.parametrize(
    ("log", "says"),
    [
        ("ERROR cannot load configuration default_config.py: line 2: SyntaxError: unterminated string literal", True),
        ('File "/prisma/default_config.py", line 3', True),
        ("ERROR cannot start", False),
        ("INFO loaded configuration default_config.py", False),
        ("", False),
    ],
)
def test_log_that_names_what_is_wrong_with_the_configuration(log: str, says: bool) -> None:
    assert (trouble(server.says_what_is_wrong_with_the_configuration(), log) is None) is says


def no_fibre(words: str = "waiting for fiber") -> Answer:
    return answer(503, {"error": words})


@pytest.mark.parametrize(
    ("both", "check"),
    [
        ((no_fibre(), no_fibre()), lambda found: found is None),
        ((answer(200, {"job_id": "1-1"}), answer(200, {"job_id": "2-2"})), lambda found: found is None),
        ((no_fibre(), no_fibre("busy")), lambda found: "asked the same again" in found),
        ((no_fibre(), answer(200, {})), lambda found: "asked the same again" in found),
        ((answer(500, {}), answer(500, {})), lambda found: "the server itself failed" in found),
    ],
)
def test_answers_alike(both: tuple[Answer, Answer], check: Callable[[str | None], bool]) -> None:
    assert check(trouble(server.are_answered_alike(), both))
