"""Which commands exist, what they permit themselves to be given, and who may call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from environments.sandbox.mongodb.access import User, require
from environments.sandbox.mongodb.errors import (
    BAD_VALUE,
    COMMAND_NOT_FOUND,
    ILLEGAL_OPERATION,
    MISSING_FIELD,
    NOT_A_REPLICA_SET,
    NOT_SUPPORTED,
    TYPE_MISMATCH,
    UNKNOWN_FIELD,
    MongoError,
)
from environments.sandbox.mongodb.planner import Deadline

if TYPE_CHECKING:
    from environments.sandbox.mongodb.connection import Connection
    from environments.sandbox.mongodb.server import Server

_GENERIC = {
    "$db", "lsid", "$clusterTime", "$readPreference", "readConcern", "writeConcern", "comment", "maxTimeMS",
    "apiVersion", "apiStrict", "apiDeprecationErrors", "txnNumber", "startTransaction", "autocommit",
}  # fmt: skip
_SIMPLE_COLLATION = {"locale": "simple"}
_READ_LEVELS = ("local", "available", "majority", "linearizable", "snapshot")


@dataclass
class Request:
    """One command on its way: what was asked, by whom, and the server that answers."""

    server: Server
    connection: Connection
    name: str
    body: dict[str, Any]
    deadline: Deadline

    @property
    def database(self) -> str:
        return str(self.body["$db"])

    @property
    def user(self) -> User | None:
        return self.connection.user

    @property
    def owner(self) -> tuple[str, str] | None:
        return (self.user.database, self.user.name) if self.user else None

    @property
    def collection(self) -> str:
        """The collection the command names as its first value."""
        name = self.body[self.name]
        if not isinstance(name, str):
            raise MongoError(73, f"collection name has invalid type {type(name).__name__}")
        return name

    @property
    def namespace(self) -> str:
        return f"{self.database}.{self.collection}"

    def need(self, field: str, kind: type | tuple[type, ...]) -> Any:
        """A field the command cannot do without."""
        if field not in self.body:
            raise MongoError(MISSING_FIELD, f"BSON field '{self.name}.{field}' is missing but a required field")
        return self.option(field, kind)

    def option(self, field: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """A field that may be left out; a value of another type is error 14."""
        value = self.body.get(field)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise MongoError(
                TYPE_MISMATCH, f"BSON field '{self.name}.{field}' is the wrong type '{type(value).__name__}'"
            )
        return value


Handler = Callable[[Request], dict[str, Any]]


@dataclass(frozen=True)
class Command:
    name: str
    handler: Handler
    action: str | None
    fields: frozenset[str]
    any_field: bool


_COMMANDS: dict[str, Command] = {}


def command(
    name: str, action: str | None, fields: str = "", *, aliases: str = "", any_field: bool = False
) -> Callable[[Handler], Handler]:
    """Register a handler. ``action`` is what the caller's role must permit, "" for any user, ``None`` for anybody."""

    def register(handler: Handler) -> Handler:
        for known in [name, *aliases.split()]:
            _COMMANDS[known] = Command(known, handler, action, frozenset(fields.split()), any_field)
        return handler

    return register


def handle(request: Request) -> dict[str, Any]:
    """The reply to a request; :class:`MongoError` for whatever is wrong with it."""
    found = find(request.name)
    _check_access(found, request)
    _check_fields(found, request.body)
    if isinstance(request.body.get("lsid"), dict):
        request.server.use_session(request.body["lsid"])
    return found.handler(request)


def find(name: str) -> Command:
    if name not in _COMMANDS:
        raise MongoError(COMMAND_NOT_FOUND, f"no such command: '{name}'")
    return _COMMANDS[name]


def all_commands() -> list[Command]:
    return list(_COMMANDS.values())


def _check_access(known: Command, request: Request) -> None:
    if known.action is None:
        return
    if request.user is None:
        raise MongoError(13, f"Command {known.name} requires authentication")
    if known.action:
        require(request.user, request.database, known.action, known.name)


def check_collation(body: Mapping[str, Any]) -> None:
    """Refuse, in a command or in one statement of it, every way of comparing text but by its bytes."""
    if body.get("collation") not in (None, {}, _SIMPLE_COLLATION):
        raise MongoError(NOT_SUPPORTED, "collations other than 'simple' are not supported by this server")


def _check_concerns(body: Mapping[str, Any]) -> None:
    """Read and write concerns as a standalone server sees them: it has no other member to ask or to wait for."""
    level = (body.get("readConcern") or {}).get("level", "local")
    if level not in _READ_LEVELS:
        raise MongoError(BAD_VALUE, f"Enumeration value '{level}' for field 'readConcern.level' is not a valid value.")
    if level in ("linearizable", "snapshot"):
        raise MongoError(NOT_A_REPLICA_SET, f"node needs to be a replica set member to use read concern {level}")
    w = (body.get("writeConcern") or {}).get("w", 1)
    if isinstance(w, int) and w > 1:
        raise MongoError(BAD_VALUE, "cannot use 'w' > 1 when a host is not replicated")
    if isinstance(w, str) and w != "majority":
        raise MongoError(BAD_VALUE, f"cannot use non-majority 'w' mode {w} when a host is not replicated")


def _check_fields(known: Command, body: Mapping[str, Any]) -> None:
    if "startTransaction" in body or "autocommit" in body or "txnNumber" in body:
        text = "Transaction numbers are only allowed on a replica set member or mongos"
        raise MongoError(ILLEGAL_OPERATION, text)
    check_collation(body)
    _check_concerns(body)
    if known.any_field:
        return
    for field in body:
        if field not in known.fields and field not in _GENERIC and field != known.name:
            raise MongoError(UNKNOWN_FIELD, f"BSON field '{known.name}.{field}' is an unknown field.")
