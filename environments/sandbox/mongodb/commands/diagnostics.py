"""What the server says about itself."""

from __future__ import annotations

import os
import platform
import resource
import time
from typing import Any

from bson import Int64

from environments.sandbox.mongodb import about
from environments.sandbox.mongodb.access import MECHANISMS
from environments.sandbox.mongodb.commands.registry import Request, all_commands, command
from environments.sandbox.mongodb.errors import BAD_VALUE, INVALID_OPTIONS, NO_REPLICATION, UNAUTHORIZED, MongoError
from environments.sandbox.mongodb.expressions import now_milliseconds
from environments.sandbox.mongodb.pipeline_sources import storage_stats
from environments.sandbox.mongodb.storage import MAX_DOCUMENT_BYTES


@command("buildInfo", None, aliases="buildinfo")
def build_info(_: Request) -> dict[str, Any]:
    return {"version": about.VERSION, "versionArray": about.VERSION_ARRAY, "gitVersion": "sandbox", "modules": [],
            "bits": 64, "debug": False, "maxBsonObjectSize": MAX_DOCUMENT_BYTES,
            "storageEngines": ["sandbox"], "sysInfo": "sandbox stand-in"}  # fmt: skip


@command("serverStatus", "", any_field=True)
def server_status(request: Request) -> dict[str, Any]:
    """Counted, not invented: connections, operations, cursors, memory of this process."""
    server = request.server
    uptime_s = time.monotonic() - server.started_s
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "host": server.reported_host(), "version": server.reported_version(), "process": "mongod",
        "pid": Int64(os.getpid()),
        "uptime": uptime_s, "uptimeMillis": Int64(uptime_s * 1000), "uptimeEstimate": Int64(uptime_s),
        "localTime": now_milliseconds(),
        "connections": server.connection_counts(),
        "opcounters": {name: Int64(count) for name, count in server.operations.items()},
        "mem": {"bits": 64, "resident": memory_mb, "virtual": memory_mb, "supported": True},
        "metrics": {"cursor": {"open": {"total": Int64(len(server.cursors))}}},
        "storageEngine": {"name": "sandbox", "persistent": server.persistent},
    }  # fmt: skip


@command("hostInfo", "")
def host_info(request: Request) -> dict[str, Any]:
    system = {
        "currentTime": now_milliseconds(),
        "hostname": request.server.reported_host(),
        "numCores": os.cpu_count() or 1,
    }
    return {"system": system, "os": {"type": platform.system(), "version": platform.release()}, "extra": {}}


@command("whatsmyuri", None)
def whats_my_uri(request: Request) -> dict[str, Any]:
    return {"you": request.connection.peer}


@command("getParameter", "", any_field=True)
def get_parameter(request: Request) -> dict[str, Any]:
    known = {"featureCompatibilityVersion": {"version": "8.0"}, "authenticationMechanisms": list(MECHANISMS),
             "enableTestCommands": False, "scramSHA256IterationCount": 4096, "ttlMonitorEnabled": True}  # fmt: skip
    if request.body["getParameter"] == "*":
        return known
    asked = [name for name in request.body if name != "getParameter" and not name.startswith("$") and name != "lsid"]
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise MongoError(INVALID_OPTIONS, f"no option found to get: {', '.join(unknown)}")
    return {name: known[name] for name in asked}


@command("getLog", "")
def get_log(request: Request) -> dict[str, Any]:
    wanted = request.body["getLog"]
    if wanted == "*":
        return {"names": ["global", "startupWarnings"]}
    if wanted not in ("global", "startupWarnings"):
        raise MongoError(96, f"No log named '{wanted}'")
    lines = list(request.server.recent_log) if wanted == "global" else []
    return {"totalLinesWritten": len(lines), "log": lines}


@command("getCmdLineOpts", "monitor")
def command_line(request: Request) -> dict[str, Any]:
    server = request.server
    return {"argv": ["mongod"], "parsed": {"net": {"port": server.port}, "security": {"authorization": "enabled"}}}


@command("collStats", "read", "scale")
def coll_stats(request: Request) -> dict[str, Any]:
    collection = request.server.store.find(request.database, request.collection)
    scale = request.option("scale", (int, float), 1)
    if scale < 1:
        raise MongoError(BAD_VALUE, "scale has to be >= 1")
    if collection is None:
        return {
            "ns": request.namespace,
            "size": 0,
            "count": 0,
            "storageSize": 0,
            "nindexes": 0,
            "scaleFactor": int(scale),
        }
    stats = storage_stats(collection)
    for name in ("size", "storageSize"):
        stats[name] = int(stats[name] // scale)
    return {"ns": request.namespace, **stats, "scaleFactor": int(scale),
            "indexSizes": {index.name: len(index.entries) for index in collection.indexes.values()}}  # fmt: skip


@command("dbStats", "read", "scale freeStorage", aliases="dbstats")
def db_stats(request: Request) -> dict[str, Any]:
    collections = list(request.server.store.databases.get(request.database, {}).values())
    scale = request.option("scale", (int, float), 1)
    count, size = sum(len(c.documents) for c in collections), sum(c.data_bytes() for c in collections)
    return {"db": request.database, "collections": len(collections), "views": 0, "objects": count,
            "avgObjSize": size / count if count else 0.0, "dataSize": size / scale, "storageSize": size / scale,
            "indexes": sum(len(c.indexes) for c in collections), "scaleFactor": float(scale)}  # fmt: skip


@command("listCommands", None)
def list_commands(_: Request) -> dict[str, Any]:
    return {"commands": {item.name: {"requiresAuth": item.action is not None} for item in all_commands()}}


@command("replSetGetStatus", "", aliases="replSetGetConfig")
def no_replication(request: Request) -> dict[str, Any]:
    raise MongoError(NO_REPLICATION, "not running with --replSet")


@command("listDatabases", "", "filter nameOnly authorizedDatabases")
def list_databases(request: Request) -> dict[str, Any]:
    """Those the user may read, as a server does for a user without ``listDatabases`` on the cluster."""
    from environments.sandbox.mongodb.matching import compile_filter

    if request.database != "admin":
        raise MongoError(UNAUTHORIZED, "listDatabases may only be run against the admin database.")
    user, server = request.user, request.server
    assert user is not None
    entries: list[dict[str, Any]] = []
    for name in sorted(server.visible_databases()):
        if user.permits(name, "read"):
            size = sum(collection.data_bytes() for collection in server.store.databases[name].values())
            entries.append({"name": name, "sizeOnDisk": Int64(size), "empty": size == 0})
    test = compile_filter(request.option("filter", dict, {}))
    entries = [entry for entry in entries if test(entry)]
    if request.option("nameOnly", (bool, int), False):
        return {"databases": [{"name": entry["name"]} for entry in entries]}
    total = sum(entry["sizeOnDisk"] for entry in entries)
    return {"databases": entries, "totalSize": Int64(total), "totalSizeMb": Int64(total // 2**20)}
