"""Greeting, authentication and permissions."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from support.waits import Stopwatch
from tests.sandbox.mongodb.conftest import PASSWORD, REPORTS_AS, Connect
from tests.sandbox.process_runner import RunningProcess


def no_connection_left(mongodb: RunningProcess) -> None:
    """Wait until the server has noticed that the clients of earlier tests closed their connections."""
    waiting = Stopwatch()
    while mongodb.request("state")["connections"]["current"]:
        assert waiting.given_s() < 5, "earlier connections are still counted"


def code_of(action: Any) -> int | None:
    with pytest.raises(OperationFailure) as failure:
        action()
    return failure.value.code


def test_it_greets_as_a_standalone_server_of_8_0(connect: Connect) -> None:
    hello = connect(user=None).admin.command("hello")
    assert (hello["maxWireVersion"], hello["isWritablePrimary"], hello["logicalSessionTimeoutMinutes"]) == (
        25,
        True,
        30,
    )
    assert "setName" not in hello and "hosts" not in hello
    assert connect(user=None).admin.command("buildInfo")["version"] == "8.0.5"


def test_the_right_password_lets_in(connect: Connect) -> None:
    status = connect().admin.command("connectionStatus")
    assert status["authInfo"]["authenticatedUsers"] == [{"user": "prisma", "db": "prisma"}]


@pytest.mark.parametrize(
    "who", [("prisma", "wrong", "prisma"), ("nobody", PASSWORD, "prisma"), ("prisma", PASSWORD, "admin")]
)
def test_wrong_credentials_are_refused_with_18(connect: Connect, who: tuple[str, str, str]) -> None:
    assert code_of(lambda: connect(*who).prisma.command("count", "base_paths")) == 18


def test_without_credentials_only_greetings_are_answered(connect: Connect) -> None:
    client = connect(user=None)
    assert client.admin.command("ping")["ok"] == 1.0
    assert code_of(lambda: client.prisma.base_paths.find_one()) == 13
    assert code_of(lambda: client.admin.command("serverStatus")) == 13
    assert code_of(client.list_database_names) == 13


def test_a_reader_may_read_and_not_write(connect: Connect) -> None:
    database = connect("reader").prisma
    assert database.base_paths.count_documents({}) == 2
    assert code_of(lambda: database.base_paths.insert_one({})) == 13
    assert code_of(lambda: database.base_paths.create_index("guid")) == 13


def test_a_user_of_one_database_has_no_say_in_another(connect: Connect) -> None:
    client = connect()
    assert code_of(lambda: client.other.things.find_one()) == 13
    assert code_of(lambda: client.drop_database("prisma")) == 13


def test_what_it_does_not_know_is_an_error(connect: Connect) -> None:
    client = connect()
    assert code_of(lambda: client.prisma.command("makeCoffee")) == 59
    assert code_of(lambda: client.prisma.command("find", "base_paths", colour="red")) == 40415
    assert code_of(lambda: client.admin.command("replSetGetStatus")) == 76
    assert code_of(lambda: client.admin.command("getParameter", noSuchParameter=1)) == 72


def test_sessions_are_accepted_and_transactions_refused(connect: Connect) -> None:
    client = connect()
    with client.start_session() as session:
        assert client.prisma.base_paths.count_documents({}, session=session) == 2
        with pytest.raises(OperationFailure) as failure, session.start_transaction():
            client.prisma.base_paths.find_one({}, session=session)
    assert failure.value.code == 20


def test_the_status_counts_real_connections(connect: Connect, mongodb: RunningProcess) -> None:
    no_connection_left(mongodb)
    watcher = connect(maxPoolSize=1)
    before = watcher.admin.command("serverStatus")
    assert before["host"] == REPORTS_AS
    guest = connect()
    guest.admin.command("ping")
    during = watcher.admin.command("serverStatus")["connections"]
    assert during["current"] > before["connections"]["current"]
    assert during["totalCreated"] - before["connections"]["totalCreated"] >= 1
    assert (
        during["current"] + during["available"] == before["connections"]["current"] + before["connections"]["available"]
    )


def test_a_closed_connection_is_no_longer_counted(connect: Connect, mongodb: RunningProcess) -> None:
    no_connection_left(mongodb)
    raw = socket.create_connection(("127.0.0.1", mongodb.ready["port"]))
    assert mongodb.request("state")["connections"]["current"] == 1
    raw.sendall(b"\x05\x00\x00\x00")
    raw.shutdown(socket.SHUT_WR)
    assert raw.recv(1) == b""
    raw.close()
    assert mongodb.request("state")["connections"]["current"] == 0


def test_any_password_can_be_accepted(connect: Connect, mongodb: RunningProcess) -> None:
    mongodb.set_faults("any-password-accepted")
    assert connect(password="wrong-password").prisma.base_paths.count_documents({}) == 2
    assert connect(password=PASSWORD).prisma.base_paths.count_documents({}) == 2
    mongodb.set_faults()
    assert code_of(lambda: connect(password="wrong-password").prisma.base_paths.find_one()) == 18


def test_the_right_password_can_be_refused(connect: Connect, mongodb: RunningProcess) -> None:
    mongodb.set_faults("authentication-refused")
    assert code_of(lambda: connect().prisma.base_paths.find_one()) == 18
    mongodb.set_faults()


def test_a_wrong_password_can_look_like_an_outage(connect: Connect, mongodb: RunningProcess) -> None:
    mongodb.set_faults("wrong-password-looks-unreachable")
    with pytest.raises(AutoReconnect):
        connect(password="wrong", serverSelectionTimeoutMS=500).prisma.base_paths.find_one()
    assert connect().prisma.base_paths.count_documents({}) == 2
    mongodb.set_faults()


def test_connections_can_stay_counted(connect: Connect, mongodb: RunningProcess) -> None:
    mongodb.set_faults("connections-never-closed")
    client = connect()
    client.admin.command("ping")
    open_now = mongodb.request("state")["connections"]["current"]
    client.close()
    assert connect().admin.command("serverStatus")["connections"]["current"] > open_now
    mongodb.set_faults()


def test_another_server_can_answer(connect: Connect, mongodb: RunningProcess) -> None:
    mongodb.set_faults("another-mongodb-answers")
    assert connect().admin.command("serverStatus")["host"] == "mongodb-staging-5c9f7d6b8-x2x4q:27017"
    mongodb.set_faults()
