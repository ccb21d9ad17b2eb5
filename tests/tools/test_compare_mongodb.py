"""``tools/compare_mongodb``: the sandbox's server against recorded facts and itself, and the tool's safety rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest

from tests.sandbox.estate.test_lifecycle import ROOT
from tests.sandbox.mongodb.conftest import PASSWORD, mongodb_config
from tests.sandbox.process_runner import start_process
from tools import compare_mongodb
from tools.conformance.database.probing import registry
from tools.conformance.facts import records

_FACT = re.compile(r"^(\S+)\n  ", re.MULTILINE)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_process("mongodb", mongodb_config(tmp_path_factory.mktemp("mongodb"))) as process:
        yield f"mongodb://root:{PASSWORD}@127.0.0.1:{process.ready['port']}/?authSource=admin"


@pytest.fixture
def before(uri: str) -> Iterator[dict[str, int]]:
    """The collections of all databases; checks that they are the same afterwards."""

    def found() -> dict[str, int]:
        with pymongo.MongoClient(uri) as client:
            return {name: len(client[name].list_collection_names()) for name in client.list_database_names()}

    at_first = found()
    yield at_first
    assert found() == at_first


def test_the_sandbox_answers_as_is_recorded_but_for_what_is_documented(
    uri: str, before: dict[str, int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert compare_mongodb.main(["--uri", uri, "--save", str(tmp_path / "answers.json")]) == 1
    said = capsys.readouterr().out
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8").partition("### MongoDB: what was tried")[2]
    named = {name for name in re.findall(r"`([a-z]+\.[a-z-]+)`", text) if name.split(".")[0] in registry.probes}
    assert set(_FACT.findall(said)) == named == {"indexes.by-id", "shell.show-dbs-has-admin"}, said
    assert "recorded of 8.0: " in said and "seed.recordings" in (tmp_path / "answers.json").read_text(encoding="utf-8")


def test_a_server_does_not_differ_from_itself(
    uri: str, before: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_mongodb.main(["--uri", uri, "--uri", uri]) == 0
    assert re.search(r"^[6-9]\d facts compared, 0 differ$", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--uri", "mongodb://10.255.255.1:27017"], "10.255.255.1:27017 is not on this machine; --yes-this-server"),
        (["--uri", "mongodb://127.0.0.1:1", "--database", "prisma"], "--database prisma: nothing is written there"),
        (["--uri", "mongodb://u:secret-word@127.0.0.1:port"], "--uri: not a URI of MongoDB"),
        (["--uri", "postgres://127.0.0.1"], "--uri: not a URI of MongoDB (InvalidURI)"),
        (["--uri", "mongodb://127.0.0.1:1", "--probe", "nope"], "no probe nope; there are types, "),
        (["--uri", "mongodb://127.0.0.1:1"] * 3, "--uri is given 3 times; allowed: once or twice"),
    ],
)
def test_wrong_use_is_one_sentence(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as ended:
        compare_mongodb.main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and sentence in said and len(said.splitlines()) == 1 and "secret-word" not in said


def test_a_wrong_password_is_said(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        compare_mongodb.main(["--uri", uri.replace(PASSWORD, "wrong")])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "refuses: Authentication failed." in said and "wrong" not in said


def test_a_database_that_is_not_empty_is_left_alone(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pymongo.MongoClient(uri) as client:
        client.focus_compare_mine.kept.insert_one({"_id": 1})
        with pytest.raises(SystemExit):
            compare_mongodb.main(["--uri", uri, "--database", "focus_compare_mine"])
        assert client.focus_compare_mine.kept.count_documents({}) == 1
        client.drop_database("focus_compare_mine")
    assert "it is not empty" in capsys.readouterr().err


def test_every_recorded_fact_is_one_that_a_probe_finds() -> None:
    (record,) = records("mongodb")
    assert record.provenance and {name.split(".")[0] for name in record.facts} == registry.probes.keys()
