"""The remedies against the sandbox's database process: they do exactly what their plan says."""

from __future__ import annotations

import _thread
import functools
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml
from bson import ObjectId, json_util
from pymongo.monitoring import CommandListener

from support.clients.journal import Journal
from support.clients.mongodb import connection as mongodb_connection
from support.clients.mongodb.client import MongoDBClient
from support.clients.safety import SafetyError, SafetyPolicy
from support.config import load_environment
from support.config.loading import ENVIRONMENTS
from support.data_quality.remedies import command
from support.data_quality.remedies.command import Consent
from support.data_quality.remedies.stale_recordings import stale_recordings
from tests.sandbox.process_runner import RunningProcess, base_config, reserve_port, start_process

PASSWORD = "r1ght-pass"
USERS = [{"user": "prisma", "password": PASSWORD, "database": "prisma", "roles": ["readWrite"]}]
NO_INDEXES = ("index-start-time-missing", "index-end-time-missing", "index-deleted-missing", "index-uuid-missing")
YES, DRY = Consent(yes=True), Consent()
_WRITING = ("createIndexes", "dropIndexes", "collMod", "update", "insert", "delete", "drop", "create", "findAndModify")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    folder = tmp_path_factory.mktemp("mongodb")
    own = {
        "host": "127.0.0.1", "port": reserve_port(), "users": USERS, "database": "prisma", "reports_as": "m:27017",
        "data_file": str(folder / "data.sqlite"),
    }  # fmt: skip
    with start_process("mongodb", base_config(folder, **own)) as running:
        yield running


class Interrupting(list[str]):
    """The output lines. Presses Ctrl-C when the second index is reported as building."""

    def append(self, line: str) -> None:
        if line.startswith("     building: ") and any(said.startswith("  done: ") for said in self):
            _thread.interrupt_main()
        super().append(line)


@dataclass
class Site:
    """The database, the output of the remedies, and the commands with which they changed something."""

    process: RunningProcess
    database: Any
    collection: str
    folder: Path
    said: list[str] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def remedy(self, name: str, consent: Consent = DRY, environment: str = "local") -> int:
        return self._noting(lambda: command.remedy(name, environment, None, consent, self.folder, self.said.append))

    def undo(self, consent: Consent = DRY, file: Path | None = None, environment: str | None = None) -> int:
        return self._noting(lambda: command.undo(file or self.file, environment, None, consent, self.said.append))

    def _noting(self, work: Callable[[], int]) -> int:
        self.said.clear()
        self.sent.clear()
        return work()

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    @property
    def file(self) -> Path:
        return max(self.folder.glob("*.json"))

    @property
    def planned(self) -> list[dict[str, Any]]:
        """The commands shown in the plan."""
        return [json_util.loads(line) for line in self.said if line.startswith("     {")]

    @property
    def changes(self) -> list[str]:
        return [line for line in self.said if line[:5].strip().rstrip(".").isdecimal()]

    def indexes(self) -> dict[str, Any]:
        return self.database[self.collection].index_information()

    def documents(self) -> list[dict[str, Any]]:
        return sorted(self.database[self.collection].find(), key=lambda one: str(one["_id"]))

    def add(self, hours: float, **fields: Any) -> ObjectId:
        """Add a recording that began this many hours ago and is still open, unless the fields differ."""
        start = datetime.now(UTC) - timedelta(hours=hours)
        document = {"uuid": f"{hours}-{len(fields)}", "start_time": start, "deleted": False, **fields}
        return self.database[self.collection].insert_one(document).inserted_id

    def one(self, document_id: ObjectId) -> dict[str, Any]:
        return self.database[self.collection].find_one({"_id": document_id})


@pytest.fixture
def site(process: RunningProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    uri = f"mongodb://prisma:{PASSWORD}@127.0.0.1:{process.ready['port']}/?authSource=prisma"
    monkeypatch.setenv("FOCUS__MONGODB__URI", uri)
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri, tz_aware=True)
    found = Site(process, client.prisma, process.request("state")["guid"], tmp_path / "remedies")

    class Noting(CommandListener):
        def __init__(self, journal: Any) -> None: ...

        def started(self, event: Any) -> None:
            if event.command_name in _WRITING:
                fields = {key: value for key, value in event.command.items() if key[0] != "$" and key != "lsid"}
                found.sent.append(json_util.loads(json_util.dumps(fields)))

        def succeeded(self, event: Any) -> None: ...

        def failed(self, event: Any) -> None: ...

    monkeypatch.setattr(mongodb_connection, "CommandJournal", Noting)
    yield found
    client.close()
    process.request("reset")  # first, so that no test's changes to documents interfere
    process.set_faults()


def spoilt(site: Site, *faults: str) -> Site:
    site.process.set_faults(*faults)
    return site


def test_nothing_to_do_is_said_and_nothing_is_sent(site: Site) -> None:
    for name in ("indexes", "stale-recordings"):
        assert site.remedy(name, YES) == 0
        assert "  nothing to do" in site.said and site.sent == []
    assert not site.folder.exists()


def test_what_the_dry_run_says_is_what_is_done(site: Site) -> None:
    spoilt(site, *NO_INDEXES)
    before = site.indexes()
    assert site.remedy("indexes") == 1
    said, planned = list(site.said), site.planned
    assert site.sent == [] and site.indexes() == before == {"_id_": before["_id_"]}
    assert said[-1] == "nothing was changed; do it with --yes" and len(planned) == 4
    assert site.remedy("indexes", YES) == 0
    assert site.said[: len(said) - 1] == said[:-1]
    assert site.sent == planned
    assert set(site.indexes()) == {"_id_", "start_time_1", "end_time_1", "deleted_1", "uuid_1"}
    assert site.indexes()["uuid_1"]["unique"] is True
    assert site.said[-1] == "4 done, 0 not done, 0 not begun"
    assert site.remedy("indexes", YES) == 0 and site.sent == []


def test_the_collection_is_the_one_that_base_paths_names(site: Site) -> None:
    """A stray collection named recordings, and the archive, are never touched."""
    site.database.recordings.insert_one({"uuid": "stray"})
    spoilt(site, *NO_INDEXES)
    assert site.remedy("indexes", YES) == 0
    assert {one["createIndexes"] for one in site.sent} == {site.collection}
    assert set(site.database.recordings.index_information()) == {"_id_"}
    site.database.drop_collection("recordings")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("storage-path-not-indexed", "base_paths has no live entry for"),
        ("storage-path-leads-nowhere", "which is no collection"),
        ("second-live-entry-for-the-path", "base_paths has 2 live entries for"),
    ],
)
@pytest.mark.parametrize("name", ["indexes", "stale-recordings"])
def test_no_collection_is_guessed_or_made(site: Site, fault: str, sentence: str, name: str) -> None:
    spoilt(site, fault, *NO_INDEXES)
    before = site.database.list_collection_names()
    assert site.remedy(name, YES) == 1
    assert sentence in site.text and site.sent == []
    assert sorted(site.database.list_collection_names()) == sorted(before)


def test_duplicates_are_told_and_no_unique_index_is_built(site: Site) -> None:
    spoilt(site, *NO_INDEXES)
    site.add(1, uuid="twice", end_time=datetime.now(UTC))
    site.add(1, uuid="twice", end_time=datetime.now(UTC))
    assert site.remedy("indexes", YES) == 1
    assert "needs a decision: no unique index by uuid can be built" in site.text and "2 of 'twice'" in site.text
    assert set(site.indexes()) == {"_id_", "start_time_1", "end_time_1", "deleted_1"}
    site.database[site.collection].delete_many({"uuid": "twice"})
    assert site.remedy("indexes", YES) == 0 and site.indexes()["uuid_1"]["unique"] is True


def test_an_index_that_is_there_is_made_unique_and_shown_again(site: Site) -> None:
    spoilt(site, "index-uuid-not-unique")
    site.remedy("indexes")
    planned = site.planned
    assert site.remedy("indexes", YES) == 0 and site.sent == planned
    assert [list(one) for one in planned] == [["collMod", "index", "maxTimeMS"]] * 2
    assert site.indexes()["uuid_1"]["unique"] is True
    assert site.undo(YES) == 0
    assert "unique" not in site.indexes()["uuid_1"]


def test_hidden_indexes_are_used_again_and_hidden_by_undo(site: Site) -> None:
    spoilt(site, "range-query-without-index")
    before = site.indexes()
    assert all(info["hidden"] for name, info in before.items() if name != "_id_")
    assert site.remedy("indexes", YES) == 0
    assert not any(info.get("hidden") for info in site.indexes().values())
    assert site.remedy("indexes") == 0
    assert site.undo(YES) == 0
    assert site.indexes() == before


def test_undo_leaves_what_was_there_before(site: Site) -> None:
    spoilt(site, *NO_INDEXES)
    before = site.indexes()
    site.remedy("indexes", YES)
    assert site.undo() == 1
    planned = site.planned
    assert site.sent == [] and len(site.indexes()) == 5
    assert site.undo(YES) == 0
    assert site.sent == planned and site.indexes() == before
    assert site.undo(YES) == 0 and "  nothing to do" in site.said


def test_undo_leaves_alone_what_somebody_has_changed_since(site: Site) -> None:
    spoilt(site, *NO_INDEXES)
    site.remedy("indexes", YES)
    site.database[site.collection].drop_index("start_time_1")
    site.database[site.collection].create_index([("start_time", 1), ("end_time", 1)], name="start_time_1")
    assert site.undo(YES) == 1
    assert "drop the index start_time_1: it was changed since" in site.text
    assert set(site.indexes()) == {"_id_", "start_time_1"}


def test_a_stale_recording_is_closed_as_the_recorder_would(site: Site) -> None:
    absent, null = site.add(25), site.add(117.3, end_time=None, cleanup_note="seen")
    documents = site.documents()
    assert site.remedy("stale-recordings") == 1
    said, planned = list(site.said), site.planned
    assert site.sent == [] and site.documents() == documents and len(planned) == 2
    assert site.remedy("stale-recordings", YES) == 0
    assert site.said[: len(said) - 1] == said[:-1] and site.sent == planned
    for document_id, was in ((absent, "absent"), (null, "null")):
        one = site.one(document_id)
        assert one["end_time"] - one["start_time"] == timedelta(seconds=5)
        assert one["cleanup_note"] == f"closed by focus-acceptance remedy stale-recordings: end_time was {was}"
    assert site.remedy("stale-recordings", YES) == 0 and site.sent == []
    assert site.undo(YES) == 0
    assert site.documents() == documents


@pytest.mark.parametrize("hours", [0.5, 23, 24])
def test_a_young_recording_is_never_touched(site: Site, hours: float) -> None:
    """Even if it is called stale: by the database's clock it may be live."""
    for age in (0.1, 1, 12, 23.9):
        site.add(age)
        site.add(age, end_time=None, deleted=False)
    documents = site.documents()
    assert site.remedy("stale-recordings", YES) == 0
    assert site.sent == [] and site.documents() == documents
    assert "left alone: 10 open recordings begun less than 24 h ago" in site.text
    database = MongoDBClient(load_environment("local").mongodb, Journal(), SafetyPolicy("local"))
    found = stale_recordings(database, site.collection, timedelta(hours=hours))
    database.close()
    assert found.changes == ()


def test_a_recording_that_is_closed_deleted_or_without_a_start_is_not_touched(site: Site) -> None:
    site.add(50, end_time=datetime.now(UTC))
    site.add(51, deleted=True)
    site.add(52, start_time=1_700_000_000)
    site.add(53, deleted="no")
    documents = site.documents()
    assert site.remedy("stale-recordings", YES) == 0
    assert site.documents() == documents


def test_a_recording_that_ended_after_the_plan_is_left_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    document_id = site.add(30)
    ended = datetime.now(UTC).replace(microsecond=0)

    def late(*arguments: Any) -> Path:
        site.database[site.collection].update_one({"_id": document_id}, {"$set": {"end_time": ended}})
        return write(*arguments)

    write = command.write_undo_file
    monkeypatch.setattr(command, "write_undo_file", late)
    assert site.remedy("stale-recordings", YES) == 1
    assert site.one(document_id)["end_time"] == ended
    assert "it is not as the plan has seen it any more, and is left alone" in site.text


def test_the_old_values_are_kept_first_and_for_their_owner_only(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(30)
    assert site.remedy("stale-recordings", YES) == 0
    assert stat.S_IMODE(site.file.stat().st_mode) == 0o600
    text = site.file.read_text()
    assert PASSWORD not in text + site.text and "mongodb://" not in text + site.text
    site.add(31)
    site.folder = Path("/proc/nowhere")
    assert site.remedy("stale-recordings", YES) == 1
    assert site.sent == [] and "the old values cannot be kept, so nothing was changed" in site.text


def test_one_that_fails_does_not_keep_the_others_from_their_turn(site: Site) -> None:
    spoilt(site, *NO_INDEXES)
    site.database[site.collection].create_index([("end_time", 1)], name="start_time_1")
    assert site.remedy("indexes", YES) == 1
    assert "the name start_time_1 is that of an index by end_time" in site.text
    assert {"deleted_1", "uuid_1"} <= set(site.indexes())


def test_ctrl_c_gives_up_the_index_that_is_built_and_says_what_is_done(site: Site) -> None:
    spoilt(site, "index-builds-slow", *NO_INDEXES)
    site.said = Interrupting()
    assert site.remedy("indexes", YES) == 1, site.text
    print(site.text)
    assert set(site.indexes()) == {"_id_", "start_time_1"}
    assert "  done: build the index start_time_1 by start_time" in site.said
    assert "  NOT done: build the index end_time_1 by end_time: it was interrupted, and all is as it was" in site.said
    assert "  not begun: build the index deleted_1 by deleted" in site.said
    assert site.said[-1] == "1 done, 1 not done, 2 not begun: it was interrupted"
    assert any(line.startswith("     building: ") for line in site.said)
    assert site.undo(YES) == 0 and set(site.indexes()) == {"_id_"}


@pytest.fixture
def production(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A copy of the production file that points only to this machine."""
    folder = tmp_path / "environments"
    folder.mkdir()
    data = yaml.safe_load((ENVIRONMENTS / "production.yaml").read_text())
    data["mongodb"]["uri"] = "${FOCUS__MONGODB__URI}"
    data["focus_server"]["base_url"] = data["kubernetes"]["api_server"] = "https://127.0.0.1:9"
    data["ssh"]["jump"]["host"] = data["ssh"]["target"]["host"] = data["rabbitmq"]["host"] = "127.0.0.1"
    data["ssh"]["jump"]["password"] = data["rabbitmq"]["password"] = "${FOCUS__MONGODB__URI}"
    (tmp_path / "empty").touch()
    data["ssh"]["target"]["key_file"] = data["ssh"]["known_hosts"] = str(tmp_path / "empty")
    data["kubernetes"]["kubeconfig"] = str(tmp_path / "empty")
    (folder / "production.yaml").write_text(yaml.safe_dump(data))
    monkeypatch.setattr(command, "load_environment", functools.partial(load_environment, directory=folder))
    return site


def test_production_is_looked_at_and_changed_only_by_its_name(production: Site) -> None:
    spoilt(production, *NO_INDEXES)
    assert production.remedy("indexes", DRY, "production") == 1
    assert len(production.planned) == 4
    for consent, sentence in (
        (YES, "it is changed only with --yes --environment-name production"),
        (Consent(True, "staging"), "--environment-name staging: the environment is production"),
    ):
        assert production.remedy("indexes", consent, "production") == 2
        assert sentence in production.text and production.sent == []
    assert production.remedy("indexes", Consent(True, "production"), "production") == 0
    assert production.undo(YES) == 2 and "--environment-name production" in production.text
    assert production.undo(Consent(True, "production")) == 0


def test_the_client_itself_refuses_without_consent(site: Site) -> None:
    """The permissions of an environment do not matter: consent to a remedy is given on its command line."""
    environment = load_environment("local")
    database = MongoDBClient(environment.mongodb, Journal(), SafetyPolicy("local"))
    with pytest.raises(SafetyError, match="does not permit to createIndexes"):
        database.change({"createIndexes": "x", "indexes": []})
    database.close()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "it is no JSON of MongoDB's extended form"),
        ('{"a": {"$oid": "x"}}', "it is no JSON of MongoDB's extended form"),
        ("[]", "schema must be focus-acceptance/remedy/1"),
        ('{"schema": "focus-acceptance/remedy/2"}', "schema must be focus-acceptance/remedy/1"),
        ('{"schema": "focus-acceptance/remedy/1", "remedy": 1}', "remedy must be a text and is 1"),
        ("FILE", "changes must be a list"),
        ("FILE [{}]", "changes.0: kind None; allowed are index, recording"),
        ('FILE [{"kind": "index", "after": {"key": {"a": 1}}}]', "changes.0: before and after must be definitions"),
        ('FILE [{"kind": "recording", "_id": 1}]', "changes.0: _id, start_time (a date) and before"),
    ],
)
def test_a_file_that_no_remedy_wrote_is_refused(site: Site, tmp_path: Path, text: str | None, sentence: str) -> None:
    file = tmp_path / "kept.json"
    if text is not None:
        head = '{"schema": "focus-acceptance/remedy/1", "remedy": "indexes", "environment": "local", '
        head += '"database": "prisma", "collection": "c", "changes": '
        file.write_text(f"{head}{text[5:] or 'null'}}}" if text.startswith("FILE") else text)
    assert site.undo(YES, file) == 2
    assert len(site.said) == 1 and sentence in site.text and site.sent == []


def test_a_file_is_taken_back_only_where_it_was_written(site: Site) -> None:
    site.add(30)
    site.remedy("stale-recordings", YES)
    assert site.undo(YES, environment="staging") == 2
    assert "it was written for the environment local, not for staging" in site.text
    elsewhere = site.folder / "other.json"
    elsewhere.write_text(site.file.read_text().replace(site.collection, "0" * 36))
    assert site.undo(YES, elsewhere) == 2
    assert "is none that base_paths leads to" in site.text and site.sent == []


def test_a_database_that_is_not_there_is_one_sentence(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOCUS__MONGODB__URI", f"mongodb://prisma:{PASSWORD}@127.0.0.1:9/?authSource=prisma")
    monkeypatch.setenv("FOCUS__MONGODB__CONNECT_TIMEOUT_S", "0.3")
    assert site.remedy("indexes") == 1
    assert len(site.said) == 1 and PASSWORD not in site.text and "mongodb://" not in site.text
