"""Users, their roles, and what a role permits."""

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
"""Fewer than MongoDB's 15000, the least the standard allows: every connection of every test derives the key anew."""

_ROLES: Mapping[str, frozenset[str]] = {
    "read": frozenset({"read"}),
    "readWrite": frozenset({"read", "write"}),
    "root": frozenset({"read", "write", "admin"}),
}
_EVERYWHERE = "root"


@dataclass(frozen=True)
class Keys:
    """What a server keeps of a password (RFC 5802, 7677); the password itself is not kept."""

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
    """Who may log in, and what for. ``database`` is the one that knows the user, and that its roles are for."""

    name: str
    database: str
    roles: tuple[str, ...]
    keys: Keys

    def permits(self, database: str, action: str) -> bool:
        """Whether one of the roles permits "read", "write" or "admin" on ``database``."""
        return any(action in _ROLES[role] and (role == _EVERYWHERE or self.database == database) for role in self.roles)


Users = Mapping[tuple[str, str], User]
"""By authentication database and name."""


def users_from_config(entries: Iterable[Mapping[str, Any]]) -> Users:
    """The users the process is started with."""
    users = {}
    for entry in entries:
        keys = Keys.derive(entry["password"], os.urandom(SALT_BYTES))
        user = User(entry["user"], entry["database"], tuple(entry["roles"]), keys)
        users[user.database, user.name] = user
    return users


def _prepared(password: str) -> str:
    """SASLprep without its refusals: what a driver does to a password before it derives a key."""
    kept = (" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    return unicodedata.normalize("NFKC", "".join(kept))


def require(user: User | None, database: str, action: str, command: str) -> None:
    """Error 13 unless ``user`` may do ``action`` on ``database``."""
    if user is None:
        raise MongoError(Code.Unauthorized, f"Command {command} requires authentication")
    if not user.permits(database, action):
        raise MongoError(Code.Unauthorized, f"not authorized on {database} to execute command {{ {command} }}")
