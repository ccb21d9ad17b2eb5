"""The conclusions from the evidence of a 500: each possible cause, and evidence that shows no cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.capacity.diagnosis.server_errors import ServerErrorEvidence, judge_server_errors, most_at_once

ANSWER = "POST https://h/configure was answered 500 (application/json) Error parsing configuration after 0.30 s"
INFO = "2025-11-03T10:00:00 INFO pz.focus_server connected to MongoDB, kubernetes 1.34, queue ready"
QUIET = ServerErrorEvidence((ANSWER,), log=(INFO,))


def verdict(**changes: object) -> tuple[str | None, str]:
    found = judge_server_errors(replace(QUIET, **changes))  # type: ignore[arg-type]
    return found.kind, found.because


@pytest.mark.parametrize(
    "line",
    [
        "ERROR pymongo.errors.ServerSelectionTimeoutError: mongodb:27017: timed out",
        "ERROR WaitQueueTimeoutError: Timed out while checking out a connection",
        "WARNING MongoDB is away",
    ],
)
def test_a_text_that_names_the_database_speaks_for_it(line: str) -> None:
    assert verdict(log=(INFO, line)) == ("database", line)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"database_unwell": ("pod mongodb-1 is Pending and not ready",)}, "pod mongodb-1 is Pending and not ready"),
        ({"pool_share": 0.95}, "95% of the connections of MongoDB are in use"),
    ],
)
def test_a_database_that_is_unwell_speaks_for_it(changes: dict[str, object], because: str) -> None:
    assert verdict(**changes) == ("database", because)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"log": ("ERROR ApiException: (500) the API server",)}, "ERROR ApiException: (500) the API server"),
        ({"log": ("ERROR provided port is already allocated",)}, "ERROR provided port is already allocated"),
        ({"restarted": ("focus-1 was restarted 1 times",)}, "focus-1 was restarted 1 times"),
        ({"unwell": ("node worker-1 is not ready",)}, "node worker-1 is not ready"),
        (
            {"warnings": ("FailedScheduling Pod/p: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu.shared.",)},
            "FailedScheduling Pod/p: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu.shared.",
        ),
    ],
)
def test_the_cluster(changes: dict[str, object], because: str) -> None:
    assert verdict(**changes) == ("cluster", because)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"log": ("ERROR Too many requests in the queue: too many requests",)}, "ERROR Too many requests in the queue"),
        ({"restarted": ("focus-1 has ended: OOMKilled",)}, "focus-1 has ended: OOMKilled"),
        ({"cpu_share": 0.97}, "the server uses 97% of the CPU it may use"),
        ({"most_at_once": 20}, "20 requests were under way at once, and nothing else was wrong"),
    ],
)
def test_overload(changes: dict[str, object], because: str) -> None:
    kind, told = verdict(**changes)
    assert kind == "overload" and told.startswith(because)


@pytest.mark.parametrize(
    "log",
    [
        (INFO, "ERROR ValueError: invalid literal"),
        (INFO, "Traceback (most recent call last):"),
        (INFO,),
    ],
)
def test_a_defect_is_concluded_only_where_everything_else_was_well(log: tuple[str, ...]) -> None:
    assert verdict(log=log)[0] == "defect"
    assert verdict(log=log, unknown=("the nodes: refused",))[0] is None
    assert verdict(log=log, unwell=("node worker-1 is not ready",))[0] == "cluster"


def test_that_it_does_not_say_is_said_with_what_is_not_known() -> None:
    found = judge_server_errors(replace(QUIET, log=(), unknown=("the log of p: no route",)))
    assert str(found) == (
        "what the server's 5xx come from the evidence does not say: 0 lines of the server's log and nothing in the "
        "cluster name a cause; not known: the log of p: no route"
    )
    assert judge_server_errors(replace(QUIET, log=())).kind is None


def test_a_text_counts_before_what_happened_beside_it() -> None:
    assert verdict(most_at_once=50, restarted=("x was restarted 1 times",), log=("ERROR MongoDB is away",)) == (
        "database",
        "ERROR MongoDB is away",
    )


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ({"cpu_share": 0.95}, "the evidence of the server's 5xx speaks for an overload: "),
        ({"pool_share": 0.95}, "the evidence of the server's 5xx speaks for the database: "),
        ({"unwell": ("node x",)}, "the evidence of the server's 5xx speaks for the cluster: "),
        ({}, "the evidence of the server's 5xx speaks for a defect: "),
    ],
)
def test_each_verdict_is_a_sentence(kind: dict[str, object], sentence: str) -> None:
    assert str(judge_server_errors(replace(QUIET, **kind))).startswith(sentence)  # type: ignore[arg-type]


def test_requests_at_once_are_counted() -> None:
    assert most_at_once([]) == 0
    assert most_at_once([(0.0, 1.0), (1.0, 2.0)]) == 1
    assert most_at_once([(0.0, 1.0), (0.5, 2.0), (0.9, 1.1)]) == 3
