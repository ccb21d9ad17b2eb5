"""Users, their roles, and the permissions of each role."""

from __future__ import annotations

import hashlib
import hmac
import os
import stringprep
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from environments.sandbox.mongodb.wire.errors import Code, MongoError

MECHANISM = "SCRAM-SHA-256"
HASH = "sha256"
SALT_BYTES = 28
ITERATIONS = 4096
"""Fewer than MongoDB's 15000, the least the standard allows: each connection of each test derives the key again."""

_ROLES: Mapping[str, frozenset[str]] = {
    "read": frozenset({"read"}),
    "readWrite": frozenset({"read", "write"}),
    "root": frozenset({"read", "write", "admin"}),
}
_EVERYWHERE = "root"


@dataclass(frozen=True)
class Keys:
    """The data that a server stores for a password (RFC 5802, 7677); the password itself is not stored."""

    salt: bytes
    stored: bytes
    server: bytes

    @classmethod
    def derive(cls, password: str, salt: bytes) -> Keys:
        salted = hashlib.pbkdf2_hmac(HASH, _prepared(password).encode(), salt, ITERATIONS)
        client = hmac.digest(salted, b"Client Key", HASH)
        return cls(salt, hashlib.new(HASH, client).digest(), hmac.digest(salted, b"Server Key", HASH))


@dataclass(frozen=True)
class User:
    """A user who may log in. ``database`` is the database that knows the user, and the scope of the roles."""

    name: str
    database: str
    roles: tuple[str, ...]
    keys: Keys

    def permits(self, database: str, action: str) -> bool:
        """Whether one of the roles permits "read", "write" or "admin" on ``database``."""
        return any(action in _ROLES[role] and (role == _EVERYWHERE or self.database == database) for role in self.roles)


Users = Mapping[tuple[str, str], User]
"""Users by authentication database and name."""


def users_from_config(entries: Iterable[Mapping[str, Any]]) -> Users:
    """The users that the process is started with."""
    users = {}
    for entry in entries:
        keys = Keys.derive(entry["password"], os.urandom(SALT_BYTES))
        user = User(entry["user"], entry["database"], tuple(entry["roles"]), keys)
        users[user.database, user.name] = user
    return users


def _prepared(password: str) -> str:
    """SASLprep without its refusals, as drivers apply it to a password before they derive a key."""
    kept = (" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    return unicodedata.normalize("NFKC", "".join(kept))


def require(user: User | None, database: str, action: str, command: str) -> None:
    """Raise error 13 unless ``user`` may do ``action`` on ``database``."""
    if user is None:
        raise MongoError(Code.Unauthorized, f"Command {command} requires authentication")
    if not user.permits(database, action):
        raise MongoError(Code.Unauthorized, f"not authorized on {database} to execute command {{ {command} }}")
