"""``SANDBOX_MONGODB_URI``: the estate on a MongoDB that belongs to someone else.

The machines that run these tests have no real mongod. A second, stand-alone process of the sandbox's own server
therefore plays the other MongoDB: another process, another user, another database, and data that the tested sandbox
must leave alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pymongo
import pytest
from pymongo.database import Database

from tests import warm
from tests.sandbox.estate.test_lifecycle import ROOT
from tests.sandbox.mongodb.conftest import mongodb_config
from tests.sandbox.mongodb.estate import Estate
from tests.sandbox.process_runner import RunningProcess, start_process

VARIABLE = "SANDBOX_MONGODB_URI"
MARK = "focus_acceptance_sandbox"
PASSWORD = "p@ss/word"
OTHERS = {"user": "owner", "password": "of-the-owner", "database": "admin", "roles": ["root"]}
REPORTS_AS = "mongodb-0a1b2c3d4e-x2x4q:27017"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    own = [
        {"user": "guest", "password": PASSWORD, "database": name, "roles": ["readWrite"]} for name in ("ours", "prisma")
    ]
    config = mongodb_config(tmp_path_factory.mktemp("elsewhere"), users=[OTHERS, *own], reports_as=REPORTS_AS)
    with start_process("mongodb", config) as process:
        yield process


@pytest.fixture
def owner(server: RunningProcess) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        "127.0.0.1", server.ready["port"], username=OTHERS["user"], password=OTHERS["password"]
    )
    with client:
        yield client
        client.drop_database("ours")


@pytest.fixture
def uri(server: RunningProcess, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a new database, with the variable set to it."""
    text = f"mongodb://guest:{quote_plus(PASSWORD)}@127.0.0.1:{server.ready['port']}/ours"
    monkeypatch.setenv(VARIABLE, text)
    return text


@pytest.fixture
def estate(uri: str, tmp_path: Path) -> Iterator[Estate]:
    with Estate(tmp_path / "run.json") as started:
        yield started


def content(database: Database[dict[str, Any]]) -> dict[str, Any]:
    return {name: list(database[name].find()) for name in database.list_collection_names()}


def refusal(*arguments: str) -> tuple[int, str]:
    """Exit code and the only output line of a sandbox that does not start."""
    done = warm.run("environments.sandbox", "up", *arguments, timeout_s=600)
    assert "ready" not in done.stdout and len(done.stderr.splitlines()) == 1, done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("mongodb+srv://guest:secret-word@cluster/", 2, "must begin with mongodb://"),
        ("mongodb://127.0.0.1:{port}/ours", 2, "must hold user and password"),
        ("mongodb://guest:secret-word@127.0.0.1:1,127.0.0.1:2/", 2, "exactly one server"),
        ("mongodb://guest:secret-word@127.0.0.1:{port}/?tls=true", 2, "the option tls is not supported"),
        ("mongodb://guest:secret-word@127.0.0.1:port/", 2, "not a URI of MongoDB"),
        (
            "mongodb://guest:secret-word@127.0.0.1:{port}/ours",
            1,
            "refuses user 'guest' of 'ours': Authentication",
        ),
        ("mongodb://guest:secret-word@127.0.0.1:1/ours", 1, "no MongoDB answers at 127.0.0.1:1"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    server: RunningProcess, monkeypatch: pytest.MonkeyPatch, text: str, code: int, sentence: str
) -> None:
    monkeypatch.setenv(VARIABLE, text.format(port=server.ready["port"]))
    exit_code, said = refusal()
    assert exit_code == code and VARIABLE in said and sentence in said
    assert "secret-word" not in said and "Traceback" not in said


def test_data_that_is_not_ours_is_never_touched(
    server: RunningProcess, owner: Any, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(owner.prisma)
    assert before
    monkeypatch.setenv(VARIABLE, uri.replace("/ours", "/prisma"))
    exit_code, said = refusal()
    assert exit_code == 1 and "holds what this sandbox did not make" in said and "name an empty database" in said
    owner.ours[MARK].insert_one({"_id": "a collection that happens to have this name"})
    monkeypatch.setenv(VARIABLE, uri)
    assert "holds what this sandbox did not make" in refusal()[1]
    assert content(owner.prisma) == before and owner.ours[MARK].count_documents({}) == 1


def test_faults_of_its_own_server_are_refused(uri: str, owner: Any) -> None:
    exit_code, said = refusal("--fault", "queries-slow")
    assert exit_code == 1 and "belongs to the sandbox's own MongoDB" in said


def test_the_estate_uses_it_and_seeds_only_there(uri: str, owner: Any, server: RunningProcess, tmp_path: Path) -> None:
    foreign = content(owner.prisma)
    with Estate(tmp_path / "run.json") as estate:
        up = estate.up
        assert up.endpoints["mongodb"]["database"] == "ours"
        with pymongo.MongoClient(up.endpoints["mongodb"]["uri"]) as client:
            assert client.admin.command("serverStatus")["pid"] == server.pid
            guid = client.ours.base_paths.find_one({"is_archive": None})["guid"]
        seeded = content(owner.ours)
        assert len(seeded[guid]) > 120 and owner.ours[guid].index_information()["uuid_1"]["unique"] is True
        start = datetime.now(UTC) - timedelta(days=3)
        recording = {"start_time": start.isoformat(), "end_time": (start + timedelta(seconds=40)).isoformat()}
        (added,) = up.control("POST", "/recordings", {"recordings": [recording]})["uuids"]
        assert owner.ours[guid].count_documents({"uuid": added}) == 1
        with pytest.raises(urllib.error.HTTPError) as refused:
            up.control("PUT", "/faults/queries-slow")
        assert refused.value.code == 409 and "sandbox's own MongoDB" in json.loads(refused.value.read())["error"]
        up.control("POST", "/reset")
        assert len(owner.ours[owner.ours.base_paths.find_one({"is_archive": None})["guid"]].distinct("uuid")) > 120
        assert owner.ours[guid].count_documents({}) == 0
    assert owner.ours[MARK].count_documents({}) == 1 and content(owner.prisma) == foreign


def test_its_pod_can_be_stopped_and_the_data_stays(uri: str, owner: Any, estate: Estate) -> None:
    """Only the connection to the server is stopped: nothing is seeded anew when it opens again."""
    before = content(owner.ours)
    estate.scale(0)
    estate.wait_until_refused()
    estate.scale(1)
    estate.wait_until_answering()
    assert content(owner.ours) == before


@pytest.mark.nightly
def test_the_suite_passes_on_it_again_and_again(uri: str, owner: Any, tmp_path: Path) -> None:
    """Runs twice: the second run finds the first one's data and recognises them as its own."""
    for number, (tags, least) in enumerate((("(@DQ or @IN) and not @needs_rabbitmq", 40), ("@DQ-01a", 1))):
        reports = tmp_path / str(number)
        command = [sys.executable, "-m", "behave", "-D", "env=sandbox", "-D", f"reports={reports}", f"--tags={tags}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
        run = json.loads((reports / "run.json").read_text(encoding="utf-8"))
        assert {scenario["status"] for scenario in run["scenarios"]} == {"passed"} and len(run["scenarios"]) >= least
        assert owner.ours.base_paths.count_documents({}) == 2, "it was seeded there"
