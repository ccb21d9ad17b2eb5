"""Commands that report on the server and its databases."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

from bson import Int64

from environments.sandbox.mongodb.auth.users import MECHANISM, require
from environments.sandbox.mongodb.commands.instance import VERSION, VERSION_ARRAY
from environments.sandbox.mongodb.commands.registry import DOCUMENT, FLAG, NUMBER, Request, command
from environments.sandbox.mongodb.query.expressions import now_milliseconds
from environments.sandbox.mongodb.query.matching import compile_filter
from environments.sandbox.mongodb.query.stages import storage_stats
from environments.sandbox.mongodb.storage.collection import MAX_DOCUMENT_BYTES
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

_MAXRSS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024
"""macOS counts ru_maxrss in bytes, Linux in kilobytes (getrusage(2))."""


@command("buildInfo", None, {}, "buildinfo")
def build_info(_: Request) -> dict[str, Any]:
    return {"version": VERSION, "versionArray": list(VERSION_ARRAY), "gitVersion": "sandbox", "modules": [],
            "bits": 64, "debug": False, "maxBsonObjectSize": MAX_DOCUMENT_BYTES,
            "storageEngines": ["sandbox"], "sysInfo": "sandbox stand-in"}  # fmt: skip


@command("serverStatus", "", None)
def server_status(request: Request) -> dict[str, Any]:
    """Report measured values: connections, operations, cursors, memory of this process."""
    instance = request.instance
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _MAXRSS_PER_MB
    return {
        "host": instance.host, "version": instance.version, "process": "mongod",
        "pid": Int64(os.getpid()),
        "uptime": instance.uptime_s, "uptimeMillis": Int64(instance.uptime_s * 1000),
        "localTime": now_milliseconds(),
        "connections": instance.connection_counts(),
        "opcounters": {name: Int64(count) for name, count in instance.operations.items()},
        "mem": {"bits": 64, "resident": memory_mb, "virtual": memory_mb, "supported": True},
        "metrics": {"cursor": {"open": {"total": Int64(len(instance.cursors))}}},
        "storageEngine": {"name": "sandbox", "persistent": True},
    }  # fmt: skip


@command("getParameter", "", None)
def get_parameter(request: Request) -> dict[str, Any]:
    """Return the parameters that clients request when they connect."""
    known = {"featureCompatibilityVersion": {"version": "8.0"}, "authenticationMechanisms": [MECHANISM],
             "enableTestCommands": False}  # fmt: skip
    if request.body["getParameter"] == "*":
        return known
    asked = [name for name in request.body if name not in ("getParameter", "lsid") and not name.startswith("$")]
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise MongoError(Code.InvalidOptions, f"no option found to get: {', '.join(unknown)}")
    return {name: known[name] for name in asked}


@command("getCmdLineOpts", "", {})
def command_line(request: Request) -> dict[str, Any]:
    parsed = {"net": {"port": request.instance.port}, "security": {"authorization": "enabled"}}
    return {"argv": ["mongod"], "parsed": parsed}


@command("collStats", "read", {"scale": NUMBER})
def coll_stats(request: Request) -> dict[str, Any]:
    collection = request.instance.store.find(request.database, request.collection)
    scale = int(request.option("scale", 1))
    if scale < 1:
        raise MongoError(Code.BadValue, "scale has to be >= 1")
    if collection is None:
        return {"ns": request.namespace, "size": 0, "count": 0, "storageSize": 0, "nindexes": 0, "scaleFactor": scale}
    return {"ns": request.namespace, **storage_stats(collection, scale)}


@command("replSetGetStatus", "", {})
def no_replication(_: Request) -> dict[str, Any]:
    raise MongoError(Code.NoReplicationEnabled, "not running with --replSet")


@command("currentOp", "", None)
def current_operations(request: Request) -> dict[str, Any]:
    """List operations in progress; users without rights on the cluster see their own (``$ownOps``). No conditions."""
    if request.database != "admin":
        raise MongoError(Code.Unauthorized, "currentOp may only be run against the admin database.")
    own = bool(request.body.get("$ownOps", False))
    others = sorted(
        set(request.body)
        - {"currentOp", "$ownOps", "$all", "lsid", "$db", "$readPreference", "$clusterTime", "maxTimeMS"}
    )
    if others:
        raise refused(f"currentOp with the condition {others[0]!r}")
    if not own:
        require(request.peer.user, "admin", "admin", "currentOp")
    found = request.instance.under_way.of(request.owner, everybody=not own)
    return {"inprog": [operation.describe() for operation in found]}


@command("listDatabases", "", {"filter": DOCUMENT, "nameOnly": FLAG, "authorizedDatabases": FLAG})
def list_databases(request: Request) -> dict[str, Any]:
    """List the databases that the user may read, as for a user without ``listDatabases`` on the cluster."""
    if request.database != "admin":
        raise MongoError(Code.Unauthorized, "listDatabases may only be run against the admin database.")
    user, instance = request.peer.user, request.instance
    entries: list[dict[str, Any]] = []
    for name in sorted(instance.visible_databases()):
        if user is not None and user.permits(name, "read"):
            size = sum(collection.data_bytes() for collection in instance.store.databases[name].values())
            entries.append({"name": name, "sizeOnDisk": Int64(size), "empty": size == 0})
    test = compile_filter(request.option("filter", {}))
    entries = [entry for entry in entries if test(entry)]
    if request.option("nameOnly", False):
        return {"databases": [{"name": entry["name"]} for entry in entries]}
    total = sum(entry["sizeOnDisk"] for entry in entries)
    return {"databases": entries, "totalSize": Int64(total), "totalSizeMb": Int64(total // 2**20)}
