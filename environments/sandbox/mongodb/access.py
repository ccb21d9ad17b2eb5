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

from environments.sandbox.mongodb.errors import BAD_VALUE, UNAUTHORIZED, MongoError

ITERATIONS = 4096
"""Fewer than MongoDB's 15000, the least the standard allows: every connection of every test derives the key anew."""

ROLES: Mapping[str, frozenset[str]] = {
    "read": frozenset({"read"}),
    "readWrite": frozenset({"read", "write"}),
    "dbAdmin": frozenset({"admin"}),
    "dbOwner": frozenset({"read", "write", "admin", "users"}),
    "userAdmin": frozenset({"users"}),
    "clusterMonitor": frozenset({"monitor"}),
    "root": frozenset({"read", "write", "admin", "users", "monitor"}),
    "readAnyDatabase": frozenset({"read"}),
    "readWriteAnyDatabase": frozenset({"read", "write"}),
}
_EVERYWHERE = {"root", "readAnyDatabase", "readWriteAnyDatabase", "clusterMonitor"}


@dataclass(frozen=True)
class Role:
    name: str
    database: str

    def permits(self, database: str, action: str) -> bool:
        return action in ROLES[self.name] and (self.name in _EVERYWHERE or self.database == database)


@dataclass(frozen=True)
class Keys:
    """What a server keeps of a password (RFC 5802)."""

    stored: bytes
    server: bytes

    @classmethod
    def derive(cls, password: str, salt: bytes) -> Keys:
        salted = hashlib.pbkdf2_hmac("sha256", prepare(password).encode(), salt, ITERATIONS)
        client = hmac.digest(salted, b"Client Key", "sha256")
        return cls(hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256"))


@dataclass(frozen=True)
class User:
    """A SCRAM-SHA-256 credential; the password itself is not kept."""

    name: str
    database: str
    roles: tuple[Role, ...]
    salt: bytes
    keys: Keys

    @classmethod
    def create(cls, name: str, password: str, database: str, roles: Iterable[Any]) -> User:
        salt = os.urandom(28)
        return cls(name, database, tuple(_role(role, database) for role in roles), salt, Keys.derive(password, salt))

    def permits(self, database: str, action: str) -> bool:
        return any(role.permits(database, action) for role in self.roles)

    def describe(self) -> dict[str, Any]:
        """As ``usersInfo`` shows it."""
        roles = [{"role": role.name, "db": role.database} for role in self.roles]
        return {"_id": f"{self.database}.{self.name}", "user": self.name, "db": self.database, "roles": roles,
                "mechanisms": ["SCRAM-SHA-256"]}  # fmt: skip


def _role(role: Any, database: str) -> Role:
    name, where = (role, database) if isinstance(role, str) else (str(role["role"]), str(role["db"]))
    if name not in ROLES:
        raise MongoError(31, f"Could not find role: {name}@{where}")
    return Role(name, where)


def prepare(password: str) -> str:
    """SASLprep without its refusals: what a driver does to a password before it derives a key."""
    kept = (" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    return unicodedata.normalize("NFKC", "".join(kept))


class Users:
    """All users of the server by their authentication database and name."""

    def __init__(self) -> None:
        self._users: dict[tuple[str, str], User] = {}

    def add(self, user: User) -> None:
        if (user.database, user.name) in self._users:
            raise MongoError(51003, f'User "{user.name}@{user.database}" already exists')
        self._users[user.database, user.name] = user

    def find(self, database: str, name: str) -> User | None:
        return self._users.get((database, name))

    def remove(self, database: str, name: str) -> None:
        if self._users.pop((database, name), None) is None:
            raise MongoError(11, f"User '{name}@{database}' not found")

    def of_database(self, database: str) -> list[User]:
        return [user for (where, _), user in self._users.items() if where == database]


def require(user: User | None, database: str, action: str, command: str) -> None:
    """Error 13 unless ``user`` may do ``action`` ("read", "write", "admin", "users", "monitor") on ``database``."""
    if user is None:
        raise MongoError(UNAUTHORIZED, f"Command {command} requires authentication")
    if not user.permits(database, action):
        raise MongoError(UNAUTHORIZED, f"not authorized on {database} to execute command {{ {command} }}")


def user_from_config(entry: Mapping[str, Any]) -> User:
    try:
        return User.create(entry["user"], entry["password"], entry["database"], entry["roles"])
    except KeyError as error:
        raise MongoError(BAD_VALUE, f"a user of the configuration has no {error}") from error
