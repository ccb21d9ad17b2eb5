"""A count from a broken instrument is not a count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from support.clients.ssh.session import CommandResult
from support.infrastructure.access import AccessExamination, connections_in
from support.infrastructure.mongodb import MongoDBExamination

COMMAND = "ss -Htn state established '( sport = :22 )'"


def result(stdout: str = "", stderr: str = "", exit_status: int = 0) -> CommandResult:
    return CommandResult(COMMAND, exit_status, stdout, stderr, 0.0)


def test_every_line_is_a_connection() -> None:
    assert connections_in(result("0 0 10.0.0.1:22 10.0.0.2:51000\n0 0 10.0.0.1:22 10.0.0.2:51001\n")) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            result(stderr="bash: ss: command not found", exit_status=127),
            "ended with 127 and said bash: ss: command not",
        ),
        (result(exit_status=1), "ended with 1 and said nothing"),
        (result("0 0 a:22 b:1\n", exit_status=1), "ended with 1"),
        (result("0 0 a:22 b:1\n", stderr="Cannot open netlink socket: Permission denied"), "Permission denied"),
        (result(), "shows none, not even the one that asks"),
        (result("\n \n"), "shows none, not even the one that asks"),
    ],
)
def test_a_count_that_does_not_see_the_one_who_asks_is_none(answer: CommandResult, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        connections_in(answer)


def test_a_database_that_does_not_count_its_asker_cannot_be_compared() -> None:
    client: Any = SimpleNamespace(server_status=lambda: SimpleNamespace(connections_current=0))
    environment: Any = SimpleNamespace(mongodb=None, limits=None)
    with pytest.raises(AssertionError, match="not even the one over which it is asked"):
        MongoDBExamination(client, environment).connections_after_leaving()


def test_without_a_jump_host_only_the_target_is_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: Any = SimpleNamespace(ssh=SimpleNamespace(jump=None), limits=None)
    client: Any = None
    journal: Any = None
    examination = AccessExamination(client, environment, journal)
    monkeypatch.setattr(examination, "target_host", lambda: "the target host")
    assert list(examination.hosts()) == ["the target host"]
