"""The real shell, mongosh from npm, against the sandbox's MongoDB. Skipped if it is not available."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.mongodb.conftest import PASSWORD, REPORTS_AS, mongodb_config
from tests.sandbox.mongodb.downloads import mongosh
from tests.sandbox.process_runner import RunningProcess, start_process

WORK = r"""
const answers = {};
const note = (name, action) => { try { answers[name] = action() } catch (e) { answers[name] = {code: e.code, codeName: e.codeName, message: e.message} } };
db.sheep.drop();
note("insertOne", () => db.sheep.insertOne({_id: 1, name: "dolly", born: ISODate("1996-07-05T00:00:00Z")}).acknowledged);
note("insertMany", () => Object.keys(db.sheep.insertMany([...Array(200).keys()].map(i => ({_id: i + 2, n: i, legs: 4}))).insertedIds).length);
note("find", () => db.sheep.find({n: {$lt: 3}}, {_id: 0, n: 1}).sort({n: -1}).toArray());
note("batches", () => db.sheep.find().batchSize(7).toArray().length);
note("count", () => db.sheep.countDocuments({legs: 4}));
note("estimated", () => db.sheep.estimatedDocumentCount());
note("distinct", () => db.sheep.distinct("legs"));
note("aggregate", () => db.sheep.aggregate([{$match: {legs: 4}}, {$group: {_id: "$legs", sum: {$sum: "$n"}}}, {$sort: {_id: 1}}]).toArray());
note("hello", () => db.hello().isWritablePrimary);
note("scan", () => { const e = db.sheep.find({n: 5}).explain("executionStats"); return [e.queryPlanner.winningPlan.stage, e.executionStats.totalDocsExamined] });
note("createIndex", () => db.sheep.createIndex({n: 1}, {unique: true, sparse: true}));
note("getIndexes", () => db.sheep.getIndexes().map(i => i.name));
note("indexed", () => { const e = db.sheep.find({n: 5}).explain("executionStats"); return [e.queryPlanner.winningPlan.inputStage.stage, e.executionStats.totalKeysExamined, e.executionStats.totalDocsExamined] });
note("update", () => db.sheep.updateMany({n: {$gte: 190}}, {$set: {old: true}}).modifiedCount);
note("bulk", () => db.sheep.bulkWrite([{insertOne: {document: {_id: 900}}}, {deleteOne: {filter: {_id: 900}}}]).deletedCount);
note("delete", () => db.sheep.deleteMany({old: true}).deletedCount);
note("duplicate", () => db.sheep.insertOne({n: 5}));
note("connections", () => db.serverStatus().connections.current);
note("host", () => db.serverStatus().host);
note("stats", () => db.sheep.stats().count);
note("collections", () => db.getCollectionNames().includes("sheep"));
note("databases", () => db.adminCommand({listDatabases: 1, nameOnly: true}).databases.map(d => d.name));
note("unknown", () => db.runCommand({makeCoffee: 1}));
note("validation", () => db.createCollection("strict", {validator: {a: 1}}));
note("dropIndex", () => db.sheep.dropIndex("n_1").ok);
note("transaction", () => { const s = db.getMongo().startSession(); s.startTransaction(); s.getDatabase("prisma").sheep.insertOne({}); s.commitTransaction() });
note("version", () => db.version());
print("ANSWERS" + EJSON.stringify(answers));
"""  # noqa: E501  # a script of the shell, a line for each thing it is asked


@pytest.fixture(scope="module")
def shell() -> Path:
    return mongosh()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    with start_process("mongodb", mongodb_config(tmp_path_factory.mktemp("mongosh"))) as process:
        yield process


def run(
    shell: Path, server: RunningProcess, folder: Path, *scripts: str, user: str = "prisma", password: str = PASSWORD
) -> Any:
    """Run the shell as a person does, with host, user and password on the command line."""
    command = [
        str(shell), "--quiet", "--norc", "--host", "127.0.0.1", "--port", str(server.ready["port"]), "-u", user,
        "-p", password, "--authenticationDatabase", "prisma", "prisma",
        *(part for script in scripts for part in ("--eval", script)),
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MONGOSH_FORCE_DISABLE_TELEMETRY_FOR_TESTING": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, cwd=folder)


def test_daily_work_in_the_shell(shell: Path, server: RunningProcess, tmp_path: Path) -> None:
    done = run(shell, server, tmp_path, WORK)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = json.loads(done.stdout.partition("ANSWERS")[2])
    duplicate, unknown, invalid = (answers.pop(name) for name in ("duplicate", "unknown", "validation"))
    transaction, connections = (answers.pop(name) for name in ("transaction", "connections"))
    assert answers == {
        "insertOne": True, "insertMany": 200, "find": [{"n": 2}, {"n": 1}, {"n": 0}], "batches": 201, "count": 200,
        "estimated": 201, "distinct": [4], "aggregate": [{"_id": 4, "sum": 19900}],
        "hello": True, "dropIndex": 1, "scan": ["COLLSCAN", 201], "createIndex": "n_1", "getIndexes": ["_id_", "n_1"],
        "indexed": ["IXSCAN", 1, 1], "update": 10, "bulk": 1, "delete": 10, "host": REPORTS_AS,
        "stats": 191, "collections": True, "databases": ["prisma"], "version": "8.0.5",
    }  # fmt: skip
    assert duplicate["code"] == 11000 and "index: n_1 dup key: { n: 5 }" in duplicate["message"]
    assert (unknown["code"], unknown["codeName"]) == (59, "CommandNotFound")
    assert invalid["code"] == 115
    assert "This MongoDB deployment does not support retryable writes" in transaction["message"]  # the driver's for 20
    assert connections >= 1


def test_show(shell: Path, server: RunningProcess, tmp_path: Path) -> None:
    done = run(shell, server, tmp_path, "show dbs")
    assert done.returncode == 0 and done.stdout.split()[0] == "prisma"
    collections = run(shell, server, tmp_path, "show collections").stdout.split()
    assert "base_paths" in collections and server.ready["guid"] in collections


def test_a_wrong_password_is_said_in_the_shells_words(shell: Path, server: RunningProcess, tmp_path: Path) -> None:
    done = run(shell, server, tmp_path, "db.sheep.findOne()", password="wrong")
    assert done.returncode == 1 and "MongoServerError: Authentication failed." in done.stderr
    reader = run(shell, server, tmp_path, "db.sheep.insertOne({})", user="reader")
    assert reader.returncode == 1 and "not authorized on prisma to execute command" in reader.stderr
