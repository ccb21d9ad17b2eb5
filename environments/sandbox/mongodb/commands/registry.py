"""The registry of commands with their fields, and the request that a handler receives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from environments.sandbox.mongodb.auth.scram import Conversation
from environments.sandbox.mongodb.auth.users import User
from environments.sandbox.mongodb.commands.instance import Instance
from environments.sandbox.mongodb.query.planner import Deadline
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

Kinds = tuple[type, ...]
ANY: Kinds = (object,)
TEXT: Kinds = (str,)
DOCUMENT: Kinds = (dict,)
ARRAY: Kinds = (list,)
NUMBER: Kinds = (int, float)
FLAG: Kinds = (bool, int, float)
BYTES: Kinds = (bytes,)
HINT: Kinds = (str, dict)

GENERIC: Mapping[str, Kinds] = {
    **dict.fromkeys(("$db", "$clusterTime", "$readPreference", "comment", "maxTimeMS"), ANY),
    **dict.fromkeys(("apiVersion", "apiStrict", "apiDeprecationErrors"), ANY),
    **dict.fromkeys(("lsid", "readConcern", "writeConcern"), DOCUMENT),
}
"""Fields that all commands accept."""
_REFUSED = frozenset({
    "allowPartialResults", "arrayFilters", "awaitData", "bypassDocumentValidation", "c", "capped",
    "changeStreamPreAndPostImages", "clusteredIndex", "collation", "exchange", "expireAfterSeconds", "fields",
    "indexOptionDefaults", "let", "max", "min", "oplogReplay", "pipeline", "returnKey", "showRecordId", "size", "sort",
    "storageEngine", "tailable", "timeseries", "validationAction", "validationLevel", "validator", "viewOn",
})  # fmt: skip
"""Fields that MongoDB supports and this server does not; refused for commands that do not accept them here."""
_SIMPLE_COLLATION = {"locale": "simple"}


@dataclass
class Peer:
    """The state of a client; ``user`` is the user who has authenticated on its connection, if any."""

    number: int
    user: User | None = None
    conversation: Conversation | None = None
    skip_empty_exchange: bool = False
    await_ms: float = 0.0
    dropped: bool = False
    """Whether to close the connection without answering the current request."""


@dataclass
class Request:
    """One command in progress: its content, its client, and the server that answers."""

    instance: Instance
    peer: Peer
    name: str
    body: dict[str, Any]
    deadline: Deadline

    @property
    def database(self) -> str:
        return str(self.body["$db"])

    @property
    def owner(self) -> tuple[str, str] | None:
        user = self.peer.user
        return (user.database, user.name) if user else None

    @property
    def collection(self) -> str:
        """The collection that the command names as its first value."""
        name = self.body[self.name]
        if not isinstance(name, str):
            raise MongoError(Code.InvalidNamespace, f"collection name has invalid type {type(name).__name__}")
        return name

    @property
    def namespace(self) -> str:
        return f"{self.database}.{self.collection}"

    def need(self, field: str) -> Any:
        """A field that the command requires."""
        value = self.body.get(field)
        if value is None:
            raise MongoError(40414, f"BSON field '{self.name}.{field}' is missing but a required field")
        return value

    def option(self, field: str, default: Any = None) -> Any:
        """An optional field; null means the same as absent."""
        value = self.body.get(field)
        return default if value is None else value


Handler = Callable[[Request], dict[str, Any]]


@dataclass(frozen=True)
class Command:
    """``action`` is the permission that the caller's role needs, "" for any user, ``None`` without authentication.

    ``fields`` are those that the command accepts, with their types; ``None`` accepts any.
    """

    name: str
    handler: Handler
    action: str | None
    fields: Mapping[str, Kinds] | None


COMMANDS: dict[str, Command] = {}


def command(
    name: str, action: str | None, fields: Mapping[str, Kinds] | None, *aliases: str
) -> Callable[[Handler], Handler]:
    """Register a handler."""

    def register(handler: Handler) -> Handler:
        for known in (name, *aliases):
            COMMANDS[known] = Command(known, handler, action, fields)
        return handler

    return register


def check_fields(where: str, given: Mapping[str, Any], allowed: Mapping[str, Kinds]) -> None:
    """Refuse fields of a command, or of one of its statements, that are unknown, unsupported or of a wrong type."""
    for field, value in given.items():
        if field in allowed:
            if value is not None and not _is_one_of(value, allowed[field]):
                text = f"BSON field '{where}.{field}' is the wrong type '{type(value).__name__}'"
                raise MongoError(Code.TypeMismatch, text)
        elif field not in _REFUSED:
            raise MongoError(40415, f"BSON field '{where}.{field}' is an unknown field.")
        elif value and value != _SIMPLE_COLLATION:
            raise refused(f"{where} with '{field}'")


def _is_one_of(value: Any, kinds: Kinds) -> bool:
    if isinstance(value, bool) and object not in kinds:
        return bool in kinds
    if isinstance(value, float) and int in kinds and not math.isfinite(value):
        return False
    return isinstance(value, kinds)
