"""The MongoDB client against the sandbox's database process, over the wire."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from client_doubles import MongoDBAt, port_that_refuses
from hamcrest import empty
from hamcrest.core.string_description import StringDescription
from pydantic import SecretStr

from support import waits
from support.checks.index_documents import RECORDING_FACTS, every_recording
from support.clients.focus_server.answers import ShapeError
from support.clients.journal import Journal
from support.clients.mongodb import connection as connection_module
from support.clients.mongodb.client import DatabaseError, MongoDBClient
from support.clients.mongodb.uri import secrets_in, with_changes
from support.clients.safety import SafetyError, SafetyPolicy
from support.config import ConfigurationError
from support.data_quality.documents import snapshot_of
from tests.sandbox.process_runner import RunningProcess, base_config, reserve_port, start_process

PASSWORD = "r1ght p@ss"
USERS = [{"user": "prisma", "password": PASSWORD, "database": "prisma", "roles": ["root"]}]
REPORTS_AS = "mongodb-79b869cc7c-vsjd9:27017"


def started(folder: Path) -> RunningProcess:
    config = base_config(
        folder, host="127.0.0.1", port=reserve_port(), users=USERS, database="prisma", reports_as=REPORTS_AS,
        data_file=str(folder / "data.sqlite"),
    )  # fmt: skip
    return start_process("mongodb", config)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    with started(tmp_path_factory.mktemp("mongodb")) as process:
        yield process


def client_at(port: int, safety: SafetyPolicy, journal: Journal | None = None) -> MongoDBClient:
    uri = SecretStr(f"mongodb://prisma:r1ght%20p%40ss@127.0.0.1:{port}/?authSource=prisma")
    return MongoDBClient(MongoDBAt(uri, connect_timeout_s=2.0), journal or Journal(), safety)


@pytest.fixture
def client(database: RunningProcess) -> Iterator[MongoDBClient]:
    opened = client_at(database.ready["port"], SafetyPolicy("sandbox", True, True, True))
    yield opened
    opened.close()


def test_the_server_tells_about_itself(client: MongoDBClient, database: RunningProcess) -> None:
    status = client.server_status()
    assert status.host == REPORTS_AS
    assert status.version
    assert status.connections_current >= 1
    assert status.total_created >= status.connections_current
    assert client.address == ("127.0.0.1", database.ready["port"])
    assert client.authenticated_user() == ("prisma", "prisma")
    assert "prisma" in client.databases()
    assert "base_paths" in client.collections()


def test_pings_are_warm_and_in_milliseconds(client: MongoDBClient) -> None:
    samples = client.ping_ms(5)
    assert len(samples) == 5
    assert all(0 < sample < 1000 for sample in samples)


def test_recordings_are_found_in_the_collection_of_their_path(client: MongoDBClient) -> None:
    live = [entry for entry in client.base_paths() if not entry.is_archive]
    collection = client.recordings_collection(live[0].base_path)
    assert collection == live[0].guid
    newest = client.find(collection, {"deleted": False}, sort=[("start_time", -1)], limit=2)
    assert len(newest) == 2
    assert newest[0]["start_time"] >= newest[1]["start_time"]
    assert newest[0]["start_time"].tzinfo is not None
    found, duration_ms = client.timed_latest_recordings(live[0].base_path, limit=7)
    assert found == 7
    assert duration_ms > 0
    assert client.count(collection) >= 7
    assert "_id_" in client.indexes(collection)
    assert "queryPlanner" in client.explain(collection, {"deleted": False}, [("start_time", -1)])
    (total,) = client.aggregate(collection, [{"$match": {}}, {"$count": "n"}])
    assert total["n"] == client.count(collection)
    with pytest.raises(DatabaseError, match="no live entry for /nowhere"):
        client.recordings_collection("/nowhere")


def test_a_recording_is_written_and_removed(client: MongoDBClient) -> None:
    collection = client.recordings_collection()
    start = datetime(2020, 1, 1, tzinfo=UTC)
    document: dict[str, Any] = {
        "uuid": "c0ffee00-0000-4000-8000-000000000001",
        "start_time": start,
        "end_time": start + timedelta(seconds=5),
        "deleted": False,
    }
    before = client.count(collection)
    client.insert_recording(collection, document)
    assert "_id" not in document
    assert client.find(collection, {"uuid": document["uuid"]})[0]["start_time"] == start
    assert client.delete_recordings(collection, [document["uuid"]]) == 1
    assert client.count(collection) == before


def test_writing_needs_the_permission(database: RunningProcess) -> None:
    journal = Journal()
    client = client_at(database.ready["port"], SafetyPolicy("staging", disruptive=True), journal)
    with pytest.raises(SafetyError, match="writes_database"):
        client.insert_recording("x", {"uuid": "1"})
    with pytest.raises(SafetyError, match="writes_database"):
        client.delete_recordings("x", ["1"])
    assert journal.since(0) == []


def test_probes_tell_what_is_wrong(client: MongoDBClient) -> None:
    assert client.probe().kind == "ok"
    denied = client.probe(password="certainly/wr0ng")
    assert denied.kind == "authentication_failed"
    assert client.probe(port_without_server=True).kind == "unreachable"
    assert client.probe().duration_s > 0


def test_whether_it_answers_is_known_at_once(client: MongoDBClient) -> None:
    """A refused connection is known without waiting for the time-out; a silent server gets the whole time-out."""
    assert client.answers(within_s=5.0)
    policy = SafetyPolicy("sandbox")
    with port_that_refuses() as port:
        journal = Journal()
        nobody = client_at(port, policy, journal)
        assert not nobody.answers(within_s=30.0)
        nobody.close()
    assert "hello" in journal.text() and max(seconds for _, seconds in journal.durations("mongodb")) < 15.0
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mute = client_at(silent.getsockname()[1], policy)
        assert not mute.answers(within_s=0.2)
        mute.close()


def test_a_lost_server_is_not_looked_for_to_say_goodbye(tmp_path: Path) -> None:
    """The driver would look for it until the limit for closing, or until its next look finds the server back."""
    with started(tmp_path) as process:
        leaving = client_at(process.ready["port"], SafetyPolicy("sandbox"))
        leaving.ping_ms(1)
        connection = leaving._connection
        process.stop()
    waits.until(lambda: connection.client.topology_description.known_servers, empty(), within_s=5.0, what="the loss")
    watch = waits.Stopwatch()
    leaving.connect_anew()
    assert watch.given_s() < connection_module.CLOSE_TIMEOUT_S / 4
    leaving.close()


def test_a_refused_command_is_one_sentence(client: MongoDBClient) -> None:
    with pytest.raises(DatabaseError, match="the database refused to noSuchCommand") as raised:
        client.command("noSuchCommand")
    assert raised.value.kind == "refused"


def test_every_command_is_journaled_without_secrets(database: RunningProcess) -> None:
    journal = Journal()
    client = client_at(database.ready["port"], SafetyPolicy("sandbox"), journal)
    client.find("base_paths")
    client.close()
    text = journal.text()
    assert "prisma: {'find': 'base_paths'" in text
    assert "documents: [" in text
    for secret in (PASSWORD, "r1ght%20p%40ss"):
        assert secret not in text
        assert secret not in journal.redact(f"<{secret}>")


def test_nobody_there_is_unreachable_and_told_once() -> None:
    journal = Journal()
    with port_that_refuses() as port:
        settings = MongoDBAt(SecretStr(f"mongodb://u:s3cret@127.0.0.1:{port}/"))
        client = MongoDBClient(settings, journal, SafetyPolicy("sandbox"))
        for call in (client.ping_ms, client.server_status, client.databases, client.base_paths):
            with pytest.raises(DatabaseError) as raised:
                call()
            assert raised.value.kind == "unreachable"
            assert "Topology" not in str(raised.value)
        client.close()
    assert len(journal.since(0)) == 4
    assert "s3cret" not in journal.text()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("mongodb://", "it names no host"),
        ("http://x", "begins with mongodb://"),
        ("mongodb://u:s3cret@h:99999/", "the port is none; allowed: a number from 1 to 65535"),
        ("mongodb://u:s3cret@h/?tls=true&tlsCAFile=/no/such.pem", "among them the file /no/such.pem"),
        ("mongodb://u:s3cret@h/?authMechanism=NONE-SUCH", "an option cannot be used; the options are authMechanism"),
    ],
)
def test_an_unusable_uri_is_refused(uri: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match="mongodb.uri: ") as raised:
        MongoDBClient(MongoDBAt(SecretStr(uri)), Journal(), SafetyPolicy("sandbox"))
    assert message in str(raised.value)
    assert "s3cret" not in str(raised.value)


FAR = 253402300800000


@pytest.mark.parametrize("milliseconds", [FAR, -62135596800001, 2**63 - 1, -(2**63)])
def test_a_date_outside_of_the_years_of_python_is_read_and_named(client: MongoDBClient, milliseconds: int) -> None:
    """These dates are valid BSON: the recording is still judged, and so are the others."""
    now = datetime.now(UTC).replace(microsecond=0)
    far: dict[str, Any] = {"uuid": "far", "start_time": now, "end_time": DatetimeMS(milliseconds), "deleted": False}
    good = {"uuid": "good", "start_time": now, "end_time": now, "deleted": False}
    for document in (far, good):
        client.insert_recording("of-far-dates", document)
    try:
        read = snapshot_of(client, "of-far-dates", timedelta(hours=24))
        wanted = every_recording(RECORDING_FACTS["has an end time, unless it is still open"])
        description = StringDescription()
        wanted.describe_mismatch(read, description)
        told = str(description)
        assert "recording far has end_time" in told
        assert str(milliseconds) in told
        assert "good" not in told
        listed = {one["uuid"]: one for one in client.find("of-far-dates")}
        assert int(listed["far"]["end_time"]) == milliseconds
        assert listed["good"]["end_time"] == now
    finally:
        client.delete_recordings("of-far-dates", ["far", "good"])


def test_a_malformed_entry_is_named(client: MongoDBClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "find", lambda _: [{"base_path": "/x", "guid": 7}])
    with pytest.raises(ShapeError, match="guid of base_paths should be a string but is int 7"):
        client.base_paths()


@pytest.mark.parametrize(
    ("uri", "changes", "expected"),
    [
        ("mongodb://u:p@h:1/db?a=b", {"password": "n/w"}, "mongodb://u:n%2Fw@h:1/db?a=b"),
        ("mongodb://u:p@h1:1,h2:2/?x=y", {"address": "z:9"}, "mongodb://u:p@z:9/?x=y"),
        ("mongodb+srv://u:p@h", {"address": "z:9"}, "mongodb://u:p@z:9"),
        ("mongodb://h:1?x=y", {"address": "z:9"}, "mongodb://z:9?x=y"),
    ],
)
def test_a_uri_is_changed_in_one_place(uri: str, changes: dict[str, str], expected: str) -> None:
    assert with_changes(uri, **changes) == expected


def test_the_password_of_a_uri() -> None:
    assert secrets_in("mongodb://u:a%2Fb@h") == ("a%2Fb", "a/b")
    assert secrets_in("mongodb://h:1/db") == ()
    with pytest.raises(ValueError, match="names no user"):
        with_changes("mongodb://h", password="x")
