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


MECHANISMS: Mapping[str, str] = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
"""The hash function of each way to authenticate."""
SALT_BYTES: Mapping[str, int] = {"SCRAM-SHA-256": 28, "SCRAM-SHA-1": 16}


@dataclass(frozen=True)
class Keys:
    """What a server keeps of a password for one mechanism (RFC 5802, 7677); the password itself is not kept."""

    hash_name: str
    salt: bytes
    stored: bytes
    server: bytes

    @classmethod
    def derive(cls, mechanism: str, name: str, password: str, salt: bytes) -> Keys:
        hash_name = MECHANISMS[mechanism]
        if hash_name == "sha1":  # MongoDB's SCRAM-SHA-1 is given the digest its older mechanism used
            password = hashlib.md5(f"{name}:mongo:{password}".encode(), usedforsecurity=False).hexdigest()
        else:
            password = prepare(password)
        salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, ITERATIONS)
        client = hmac.digest(salted, b"Client Key", hash_name)
        return cls(hash_name, salt, hashlib.new(hash_name, client).digest(),
                   hmac.digest(salted, b"Server Key", hash_name))  # fmt: skip


@dataclass(frozen=True)
class User:
    """Who may log in, by which mechanisms, and what for."""

    name: str
    database: str
    roles: tuple[Role, ...]
    keys: Mapping[str, Keys]

    @classmethod
    def create(
        cls, name: str, password: str, database: str, roles: Iterable[Any], mechanisms: Iterable[str] = MECHANISMS
    ) -> User:
        keys = {}
        for mechanism in mechanisms:
            if mechanism not in MECHANISMS:
                raise MongoError(BAD_VALUE, f"mechanism field must be an array of {sorted(MECHANISMS)}")
            salt = os.urandom(SALT_BYTES[mechanism])
            keys[mechanism] = Keys.derive(mechanism, name, password, salt)
        return cls(name, database, tuple(_role(role, database) for role in roles), keys)

    def permits(self, database: str, action: str) -> bool:
        return any(role.permits(database, action) for role in self.roles)

    def describe(self) -> dict[str, Any]:
        """As ``usersInfo`` shows it."""
        roles = [{"role": role.name, "db": role.database} for role in self.roles]
        return {"_id": f"{self.database}.{self.name}", "user": self.name, "db": self.database, "roles": roles,
                "mechanisms": list(self.keys)}  # fmt: skip


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

    def replace(self, user: User) -> None:
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
        return User.create(entry["user"], entry["password"], entry["database"], entry["roles"], ["SCRAM-SHA-256"])
    except KeyError as error:
        raise MongoError(BAD_VALUE, f"a user of the configuration has no {error}") from error
