"""A MongoDB outside the sandbox, named by ``SANDBOX_MONGODB_URI``: the parsed URI, and the claim of a database.

A database is used only if it is empty or carries this sandbox's mark from an earlier run: no other data is ever
touched. Only one sandbox at a time may use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.shared.errors import StartError, UsageError
from environments.sandbox.shared.variables import MONGODB_VARIABLE as VARIABLE

DEFAULT_DATABASE = "prisma"
MARK = "focus_acceptance_sandbox"
_MARK_DOCUMENT = {"_id": "made by the sandbox of focus-acceptance", "meaning": "each run drops all other collections"}
_REFUSED_OPTIONS = ("tls", "ssl", "replicaset", "loadbalanced", "compressors")
_TIMEOUT_MS = 5000
_MALFORMED = (InvalidURI, ConfigurationError, ValueError, TypeError)

Database = AsyncDatabase[dict[str, Any]]


@dataclass(frozen=True)
class Elsewhere:
    """One server, the user to log in as, and the database to use."""

    host: str
    port: int
    user: str
    password: str
    auth_source: str
    database: str

    @classmethod
    def parse(cls, uri: str) -> Elsewhere:
        """Parse the URI. :class:`UsageError` names the problem but not the URI, because it contains a password."""
        if not uri.startswith("mongodb://"):
            raise UsageError(f"{VARIABLE}: must begin with mongodb:// and name one server")
        try:
            parsed = parse_uri(uri)
        except _MALFORMED as error:
            raise UsageError(f"{VARIABLE}: not a URI of MongoDB ({type(error).__name__})") from None
        if len(parsed["nodelist"]) != 1 or parsed["nodelist"][0][1] is None:
            raise UsageError(f"{VARIABLE}: must name exactly one server as host:port")
        options = {name.lower(): value for name, value in parsed["options"].items()}
        refused = [name for name in _REFUSED_OPTIONS if options.get(name)]
        if refused:
            raise UsageError(
                f"{VARIABLE}: the option {refused[0]} is not supported: the server is reached by plain TCP"
            )
        if not parsed["username"] or not parsed["password"]:
            raise UsageError(f"{VARIABLE}: must hold user and password; the suite checks that nobody else is let in")
        host, port = parsed["nodelist"][0]
        database = parsed["database"] or DEFAULT_DATABASE
        source = options.get("authsource") or parsed["database"] or "admin"
        return cls(host, int(port), parsed["username"], parsed["password"], source, database)

    @property
    def where(self) -> str:
        return f"{VARIABLE}: the database {self.database!r} on {self.host}:{self.port}"

    def client(self) -> AsyncMongoClient[dict[str, Any]]:
        return AsyncMongoClient(
            self.host, self.port, username=self.user, password=self.password, authSource=self.auth_source,
            directConnection=True, serverSelectionTimeoutMS=_TIMEOUT_MS, connectTimeoutMS=_TIMEOUT_MS, tz_aware=True,
        )  # fmt: skip

    async def claim(self) -> None:
        """Make sure that the database may be used; :class:`StartError` gives the reason in one sentence if not."""
        server = f"{self.host}:{self.port}"
        try:
            async with self.client() as client:
                await self._claim(client[self.database])
        except ConnectionFailure:
            raise StartError(f"{VARIABLE}: no MongoDB answers at {server} within {_TIMEOUT_MS / 1000:g} s") from None
        except OperationFailure as error:
            who = f"user {self.user!r} of {self.auth_source!r}"
            said = (error.details or {}).get("errmsg", error.code)
            raise StartError(f"{VARIABLE}: {server} refuses {who}: {said}") from None
        except PyMongoError as error:
            raise StartError(f"{VARIABLE}: {server} cannot be used: {type(error).__name__}") from None

    async def _claim(self, database: Database) -> None:
        names = await database.list_collection_names()
        if not names:
            await database[MARK].insert_one(dict(_MARK_DOCUMENT))
        elif MARK not in names or await database[MARK].find_one(_MARK_DOCUMENT) is None:
            shown = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise StartError(f"{self.where} holds what this sandbox did not make ({shown}); name an empty database")

    async def fill(self, database: Database, collections: Iterable[Collection]) -> None:
        """Replace the collections of an earlier run with exactly these."""
        await self._claim(database)
        for name in await database.list_collection_names():
            if name != MARK:
                await database.drop_collection(name)
        for collection in collections:
            target = await database.create_collection(collection.name)
            for index in collection.indexes.values():
                spec: Mapping[str, Any] = {**index.describe()}
                if index.name != "_id_":
                    options = {name: value for name, value in spec.items() if name not in ("v", "key")}
                    await target.create_index(list(spec["key"].items()), **options)
            if collection.documents:
                await target.insert_many(list(collection.documents.values()))
