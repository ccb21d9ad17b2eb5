"""A MongoDB under comparison: a client, and a database of its own."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from tools.conformance.facts import Registry, Value

Document = dict[str, Any]

PREFIX = "focus_compare_"
BROKEN = (AssertionError, PyMongoError, KeyError)
_TIMEOUT_MS = 5000

registry: Registry[Server] = Registry()


class NotUsable(Exception):
    """A server or a database that may not be used. The message is one sentence; of the URI it shows only the hosts."""


class Server:
    """A MongoDB with a database that exists only inside ``with``.

    ``database`` must begin with :data:`PREFIX` and be empty; by default it has a random name.
    """

    def __init__(self, uri: str, database: str | None = None, anywhere: bool = False) -> None:
        name = database or PREFIX + secrets.token_hex(4)
        if not name.startswith(PREFIX):
            raise NotUsable(f"--database {name}: nothing is written there; allowed: a name that begins with {PREFIX}")
        try:
            nodes = parse_uri(uri)["nodelist"]
        except (InvalidURI, ConfigurationError, ValueError, TypeError) as error:
            raise NotUsable(f"--uri: not a URI of MongoDB ({type(error).__name__})") from None
        self.where = ",".join(f"{host}:{port}" for host, port in nodes)
        if not anywhere and not all(_is_here(host) for host, _ in nodes):
            raise NotUsable(f"--uri: {self.where} is not on this machine; --yes-this-server permits it")
        self.uri = uri
        self.client: MongoClient[Document] = MongoClient(
            uri, serverSelectionTimeoutMS=_TIMEOUT_MS, connectTimeoutMS=_TIMEOUT_MS, tz_aware=True, retryWrites=False
        )
        self.database = self.client[name]

    def __enter__(self) -> Server:
        try:
            names = self.database.list_collection_names()
        except OperationFailure as error:
            raise NotUsable(f"--uri: {self.where} refuses: {(error.details or {}).get('errmsg', error.code)}") from None
        except PyMongoError as error:
            raise NotUsable(f"--uri: {self.where} cannot be used: {type(error).__name__}") from None
        if names:
            raise NotUsable(f"--database {self.database.name}: it is not empty, and what is there is not ours")
        return self

    def __exit__(self, *_: object) -> None:
        self.client.drop_database(self.database.name)
        self.client.close()

    @property
    def version(self) -> str:
        return str(self.client.admin.command("buildInfo")["version"])

    def filled(self, name: str, count: int = 100) -> Any:
        """Fill a collection with documents ``{_id, n, even}`` and return it."""
        self.database[name].insert_many([{"_id": n, "n": n, "even": n % 2 == 0} for n in range(count)])
        return self.database[name]


def refusal(ask: Callable[[], object]) -> str:
    """Return code and name of the error that a request causes, such as ``59 CommandNotFound``, or ``accepted``."""
    try:
        ask()
    except OperationFailure as error:
        return f"{error.code} {(error.details or {}).get('codeName', '')}".strip()
    return "accepted"


def stages(plan: Mapping[str, Any]) -> list[str]:
    """Return the stages of a winning plan from top to bottom."""
    found, at = [], plan.get("queryPlan", plan)
    while at:
        found.append(str(at.get("stage")))
        at = at.get("inputStage", {})
    return found


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


__all__ = ["BROKEN", "PREFIX", "Document", "NotUsable", "Server", "Value", "refusal", "registry", "stages"]
