from __future__ import annotations

import base64
import json
import threading

import pytest

from support.clients.journal import BODY_LIMIT, Journal
from support.clients.safety import SafetyError, SafetyPolicy

SECRET = "pä$$ w@rd/1"


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        "p%C3%A4%24%24%20w%40rd%2F1",
        "p%C3%A4%24%24+w%40rd%2F1",
        json.dumps(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_hidden_however_it_is_spelt(spelling: str) -> None:
    journal = Journal([SECRET])
    journal.record("mongodb", f"before {spelling} after", f"[{spelling}]", 0.1)
    text = journal.text()
    assert spelling not in text
    assert "before *** after" in text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
        ('{"Authorization": "Basic dXNlcg=="}', "dXNlcg"),
        ("mongodb://prisma:hunter2@127.0.0.1:1/", "hunter2"),
        ('{"password": "hunter2", "user": "x"}', "hunter2"),
        ("recorder --password hunter2 --x", "hunter2"),
        ("RABBIT_PASSWORD=hunter2", "hunter2"),
    ],
)
def test_unknown_secrets_are_hidden_where_they_stand(text: str, secret: str) -> None:
    shown = Journal().redact(text)
    assert secret not in shown
    assert "***" in shown


def test_what_is_no_secret_stays() -> None:
    text = '{"secretName": "rabbitmq-panda", "job_id": "1-16", "url": "http://127.0.0.1:12301/x"}'
    assert Journal(["other"]).redact(text) == text


def test_a_secret_learnt_later_is_hidden_in_earlier_calls() -> None:
    journal = Journal()
    journal.record("kubernetes", "GET /", "cluster-t0ken", 0.0)
    journal.hide("cluster-t0ken")
    assert "cluster-t0ken" not in journal.text()


@pytest.mark.parametrize("offset", range(-12, 3))
def test_a_secret_across_the_cut_leaves_nothing(offset: int) -> None:
    journal = Journal(["SUPERSECRET"])
    journal.record("focus-server", "POST", "x" * (BODY_LIMIT + offset) + "SUPERSECRET" + "y" * 50_000, 0.0)
    answer = journal.since(0)[0].answer
    assert "SU" not in answer
    assert f"{BODY_LIMIT + offset + 11 + 50_000} characters in all" in answer
    assert len(answer) < BODY_LIMIT + 100


def test_mark_and_since() -> None:
    journal = Journal()
    journal.record("ssh", "one", "1", 0.0)
    mark = journal.mark()
    assert journal.since(mark) == []
    assert journal.text(mark) == "no call was made"
    journal.record("ssh", "two", "2", 0.5)
    (call,) = journal.since(mark)
    assert (call.target, call.request, call.answer, call.duration_s) == ("ssh", "two", "2", 0.5)
    assert call.at.utcoffset() is not None


def test_threads_lose_nothing() -> None:
    journal = Journal()

    def record() -> None:
        for _ in range(200):
            journal.record("ssh", "a", "b", 0.0)

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.since(0)) == 1600


@pytest.mark.parametrize("permission", ["load", "disruptive", "writes_database"])
def test_safety_refuses_what_is_not_permitted(permission: str) -> None:
    with pytest.raises(SafetyError, match=f"'production' does not permit to delete pod x.*{permission}"):
        SafetyPolicy("production").require(permission, "delete pod x")
    SafetyPolicy("sandbox", **{permission: True}).require(permission, "delete pod x")


def test_safety_knows_no_other_permission() -> None:
    with pytest.raises(ValueError, match="unknown permission"):
        SafetyPolicy("sandbox", True, True, True).require("anything", "go")
