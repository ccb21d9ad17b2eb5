"""Finds the command of a request, checks the permissions and the fields, and runs the handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from environments.sandbox.mongodb.auth.users import require
from environments.sandbox.mongodb.commands import catalogue, diagnostics, explaining, handshake, reading, writing
from environments.sandbox.mongodb.commands.registry import ANY, COMMANDS, GENERIC, Command, Request, check_fields
from environments.sandbox.mongodb.wire.errors import Code, MongoError

MODULES = (catalogue, diagnostics, explaining, handshake, reading, writing)
"""Imported because they register their commands."""

_TRANSACTION = ("startTransaction", "autocommit", "txnNumber")
_READ_LEVELS = ("local", "available", "majority", "linearizable", "snapshot")


def handle(request: Request) -> dict[str, Any]:
    """The reply to a request; raises :class:`MongoError` for any error in it."""
    found = COMMANDS.get(request.name)
    if found is None:
        raise MongoError(Code.CommandNotFound, f"no such command: '{request.name}'")
    _check_access(found, request)
    if any(name in request.body for name in _TRANSACTION):
        text = "Transaction numbers are only allowed on a replica set member or mongos"
        raise MongoError(Code.IllegalOperation, text)
    if found.fields is not None:
        check_fields(found.name, request.body, {**GENERIC, found.name: ANY, **found.fields})
        _check_concerns(request)
    return found.handler(request)


def _check_access(known: Command, request: Request) -> None:
    if known.action is None:
        return
    if request.peer.user is None:
        raise MongoError(Code.Unauthorized, f"Command {known.name} requires authentication")
    if known.action:
        require(request.peer.user, request.database, known.action, known.name)


def _check_concerns(request: Request) -> None:
    """Check read and write concerns as a standalone server does: it has no other member to consult or wait for."""
    read: Mapping[str, Any] = request.option("readConcern", {})
    write: Mapping[str, Any] = request.option("writeConcern", {})
    level, w = read.get("level", "local"), write.get("w", 1)
    if level not in _READ_LEVELS:
        raise MongoError(
            Code.BadValue, f"Enumeration value '{level}' for field 'readConcern.level' is not a valid value."
        )
    if level in ("linearizable", "snapshot"):
        raise MongoError(Code.NotAReplicaSet, f"node needs to be a replica set member to use read concern {level}")
    if isinstance(w, int) and w > 1:
        raise MongoError(Code.BadValue, "cannot use 'w' > 1 when a host is not replicated")
    if isinstance(w, str) and w != "majority":
        raise MongoError(Code.BadValue, f"cannot use non-majority 'w' mode {w} when a host is not replicated")
