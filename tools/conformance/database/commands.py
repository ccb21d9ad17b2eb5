"""Commands of people and drivers, and refused requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pymongo.errors import OperationFailure

from environments.sandbox.mongodb.seed.seeding import seed
from environments.sandbox.mongodb.storage.store import Store
from tools.conformance.database.probing import Server, refusal, registry
from tools.conformance.facts import Value

_SEEDED = 20


@registry.probe("greeting")
def greeting(server: Server) -> dict[str, Value]:
    """Record what a driver learns when it connects."""
    hello = server.client.admin.command("hello")
    limits = ("maxBsonObjectSize", "maxMessageSizeBytes", "maxWriteBatchSize", "logicalSessionTimeoutMinutes")
    return {
        "primary": bool(hello["isWritablePrimary"]),
        "limits": [str(hello.get(name)) for name in limits],
        "wire-versions": f"{hello['minWireVersion']} to {hello['maxWireVersion']}",
        "version": ".".join(server.version.split(".")[:2]),
    }


@registry.probe("shell")
def shell(server: Server) -> dict[str, Value]:
    """Send what mongosh sends for everyday commands."""
    sheep, admin = server.filled("shell"), server.client.admin
    listed = admin.command("listDatabases", nameOnly=True)["databases"]
    status = admin.command("serverStatus")
    stats = server.database.command("collStats", "shell")
    return {
        "show-dbs-has-it": server.database.name in [each["name"] for each in listed],
        "show-dbs-has-admin": "admin" in [each["name"] for each in listed],
        "show-collections": sorted(server.database.list_collection_names()),
        "stats": [f"{name} {stats[name]}" for name in ("count", "nindexes", "capped") if name in stats],
        "server-status": sorted({"connections", "host", "opcounters", "pid", "uptime", "version"} & set(status)),
        "who-am-i": "authenticatedUsers" in admin.command("connectionStatus")["authInfo"],
        "dropped": sheep.drop() is None and "shell" not in server.database.list_collection_names(),
        "unknown": refusal(lambda: server.database.command("makeCoffee")),
    }


@registry.probe("refusals")
def refusals(server: Server) -> dict[str, Value]:
    """Send invalid requests and record the error codes."""
    base = server.database
    server.filled("refusals", 5)

    def command(*words: Any, **options: Any) -> str:
        return refusal(lambda: base.command(*words, **options))

    return {
        "operator": refusal(lambda: list(base.refusals.find({"n": {"$nonsense": 1}}))),
        "wrong-type": command("find", "refusals", limit="many"),
        "unknown-field": command("find", "refusals", colour="blue"),
        "cursor": command("getMore", 12345, collection="refusals"),
        "stage": refusal(lambda: list(base.refusals.aggregate([{"$nonsense": 1}]))),
        "update-id": refusal(lambda: base.refusals.update_one({"_id": 1}, {"$set": {"_id": 7}})),
        "increase-text": refusal(lambda: base.refusals.update_one({"_id": 1}, {"$inc": {"even": "x"}})),
        "exists": command("create", "refusals"),
        "bad-name": command("create", "a$b"),
        "stats-of-missing": command("dropIndexes", "missing", index="*"),
        "empty-batch": command("insert", "refusals", documents=[]),
        "negative-limit": command("find", "refusals", limit=-5),
    }


@registry.probe("standalone")
def standalone(server: Server) -> dict[str, Value]:
    """Use operations that need a replica set."""

    def transaction() -> None:
        with server.client.start_session() as session, session.start_transaction():
            server.database.standalone.insert_one({}, session=session)

    def change_stream() -> None:
        server.database.standalone.watch().close()

    return {"transaction": refusal(transaction), "change-stream": refusal(change_stream)}


@registry.probe("strangers")
def strangers(server: Server) -> dict[str, Value]:
    """Connect without a password, and with a wrong one."""
    user = {"username": "nobody", "password": "wrong"}
    host, _, port = server.where.partition(":")
    options: dict[str, Any] = {"serverSelectionTimeoutMS": 5000, "retryReads": False}

    def asked(**who: Any) -> str:
        client = type(server.client)(host, int(port or 27017), **options, **who)
        try:
            client[server.database.name].command("find", "strangers")
        except OperationFailure as error:
            return f"{error.code} {(error.details or {}).get('codeName', '')}".strip()
        finally:
            client.close()
        return "accepted"

    return {"unnamed": asked(), "wrong-password": asked(**user)}


@registry.probe("seed")
def the_seed(server: Server) -> dict[str, Value]:
    """Load the recordings of the sandbox with their indexes, and look them up as Focus Server does."""
    store = Store()
    told = seed(store, "seed", datetime(2026, 1, 2, tzinfo=UTC), _SEEDED)
    for collection in store.databases["seed"].values():
        target = server.database[f"seed-{collection.name}"]
        for index in collection.indexes.values():
            spec = {name: value for name, value in index.describe().items() if name != "v"}
            if index.name != "_id_":
                target.create_index(list(spec.pop("key").items()), **spec)
        if collection.documents:
            target.insert_many(list(collection.documents.values()))
    recordings = server.database[f"seed-{told.guid}"]
    start, end = told.isolated
    inside = {"start_time": {"$lte": start}, "end_time": {"$gte": end}, "deleted": {"$ne": True}}
    plan = recordings.find(inside).explain()["executionStats"]
    return {
        "recordings": recordings.count_documents({}),
        "indexes": sorted(recordings.index_information()),
        "lookup": recordings.count_documents(inside),
        "lookup-returned": plan["nReturned"],
        "open": recordings.count_documents({"end_time": None, "deleted": {"$ne": True}}),
        "deleted": recordings.count_documents({"deleted": True}),
        "once-more": refusal(lambda: recordings.insert_one({**(recordings.find_one() or {}), "_id": 1})),
    }
