"""The MongoDB process of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from environments.sandbox.mongodb.access import Users, user_from_config
from environments.sandbox.mongodb.errors import MongoError
from environments.sandbox.mongodb.fault_ids import FAULT_IDS
from environments.sandbox.mongodb.faults import Mutations, Site
from environments.sandbox.mongodb.persistence import DataFile
from environments.sandbox.mongodb.recordings import described
from environments.sandbox.mongodb.seeding import BASE_PATHS, UNRECOGNIZED_SUFFIX, seed
from environments.sandbox.mongodb.server import TTL_PERIOD_S, Server
from environments.sandbox.mongodb.storage import Collection
from environments.sandbox.mongodb.store import Store
from environments.sandbox.shared.process import CommandError, SandboxProcess

UNCLOSED = "connections-never-closed"


class MongodbProcess(SandboxProcess):
    """Configuration: ``host``, ``port``, ``users``, ``database``, ``reports_as``, and optionally ``data_file`` (what is
    stored outlives the process there, see :mod:`~environments.sandbox.mongodb.persistence`) and ``wrong_passwords``
    (those ``any-password-accepted`` lets in).
    """

    name = "mongodb"
    fault_ids = FAULT_IDS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.database = str(config.get("database", "prisma"))
        self.data_file = DataFile(Path(config["data_file"])) if config.get("data_file") else None
        users = Users()
        for entry in config["users"]:
            users.add(user_from_config(entry))
        self.server = Server(Store(), users, self.fault, ttl_period_s=self.scaled(TTL_PERIOD_S))
        self.server.configured_database = self.database
        self.server.persistent = self.data_file is not None
        self.server.wrong_passwords = tuple(config.get("wrong_passwords", ())) + _variations(config["users"])
        self.seeded: dict[str, Any] = {}
        self._hidden: dict[str, Collection] = {}
        self._mutations = Mutations()

    async def start(self) -> Mapping[str, Any]:
        if self.data_file is not None and self.data_file.path.exists():
            self.server.store, self.seeded = self.data_file.load()
            self.data_file.write_out(self.server.store, self.seeded)
        else:
            self._seed()
        await self.faults_changed(self.faults, frozenset())
        host, port = self.config.get("host", "127.0.0.1"), int(self.config["port"])
        await self.server.start(host, port, str(self.config.get("reports_as", "")))
        self.log.info("listening on %s:%d", self.server.host, self.server.port)
        return {"host": self.server.host, "port": self.server.port, "database": self.database,
                "reports_as": self.server.reports_as, **self.seeded}  # fmt: skip

    async def stop(self) -> None:
        await self.server.stop()
        if self.data_file is not None:
            self.data_file.close()

    async def reset(self) -> None:
        """The seed anew, with the times of now; users and connections stay."""
        self._hidden.clear()
        self._mutations.forget()
        self._seed()
        await self.faults_changed(self.faults, frozenset())

    def _seed(self) -> None:
        store = Store()
        count = int(self.config["settings"]["seed_recordings"])
        self.seeded = seed(store, self.database, datetime.now(UTC), count).facts()
        self.server.store = store
        if self.data_file is not None:
            self.data_file.muted = frozenset()
            self.data_file.write_out(store, self.seeded)

    async def state(self) -> Mapping[str, Any]:
        store = self.server.store
        counts = {name: {collection: len(c.documents) for collection, c in collections.items()}
                  for name, collections in store.databases.items()}  # fmt: skip
        connections = self.server.connection_counts()
        return {"collections": counts, "connections": {name: int(str(value)) for name, value in connections.items()},
                "open_cursors": len(self.server.cursors), "hidden": sorted(self._hidden), **self.seeded}  # fmt: skip

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        with self.data_file.paused() if self.data_file is not None else nullcontext():
            self._hide_or_show(switched_on, switched_off)
            self._mutations.undo(switched_off)
            self._mutations.apply(switched_on, self._site)
        if self.data_file is not None:
            self.data_file.muted = frozenset(collection.namespace for collection in self._hidden.values())
        if UNCLOSED in switched_off:
            self.server.forget_unclosed()

    def _hide_or_show(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        """A hidden collection comes back as it was; what was written in its place meanwhile is lost."""
        hides = {"base-paths-missing": BASE_PATHS, "recordings-collection-missing": str(self.seeded.get("guid"))}
        for fault, name in hides.items():
            if fault in switched_on and self.server.store.find(self.database, name) is not None:
                self._hidden[name] = self.server.store.take(self.database, name)
            if fault in switched_off:
                self._restore({name} & set(self._hidden))

    def _site(self) -> Site:
        guid = str(self.seeded["guid"])
        return Site(*(self._collection(name) for name in (BASE_PATHS, guid, guid + UNRECOGNIZED_SUFFIX)))

    def _collection(self, name: str) -> Collection:
        """The stored one, also while it is hidden."""
        return self._hidden.get(name) or self.server.store.ensure(self.database, name)

    def _restore(self, names: set[str]) -> None:
        for name in names:
            self.server.store.put(self._hidden.pop(name))

    async def command(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "seed":
            try:
                return {"uuids": [self._add(entry) for entry in params.get("recordings", [])]}
            finally:
                self.server.store.flush()
        if name == "expire":
            return {"deleted": self.server.expire()}
        return await super().command(name, params)

    def _add(self, entry: Mapping[str, Any]) -> str:
        try:
            return str(self._collection(str(self.seeded["guid"])).insert(described(entry))["uuid"])
        except MongoError as error:
            raise CommandError(error.message) from error


def _variations(users: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """Wrong passwords one makes out of the right one."""
    found: list[str] = []
    for password in (str(entry["password"]) for entry in users):
        found += [f"{password}x", f"{password}-wrong", f"wrong-{password}", f"not-{password}"]
        found += [password[::-1], password.upper(), password[:-1]]
    return tuple(found)
