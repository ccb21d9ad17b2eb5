"""The MongoDB process of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from environments.sandbox.mongodb.auth.users import users_from_config
from environments.sandbox.mongodb.commands.instance import Instance
from environments.sandbox.mongodb.faults import FAULT_IDS
from environments.sandbox.mongodb.faults.after_outage import DAMAGES
from environments.sandbox.mongodb.faults.alterations import alterations
from environments.sandbox.mongodb.faults.hiding import Hidden
from environments.sandbox.mongodb.faults.mutations import Mutations
from environments.sandbox.mongodb.faults.site import Site
from environments.sandbox.mongodb.seed.recordings import described
from environments.sandbox.mongodb.seed.seeding import BASE_PATHS, UNRECOGNIZED_SUFFIX, seed
from environments.sandbox.mongodb.server import Server
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.storage.data_file import DataFile
from environments.sandbox.mongodb.storage.store import Store
from environments.sandbox.mongodb.wire.errors import MongoError
from environments.sandbox.shared.process import CommandError, SandboxProcess

UNCLOSED = "connections-never-closed"


class MongodbProcess(SandboxProcess):
    """The MongoDB server. Its configuration has ``host``, ``port``, ``users``, ``database``, ``reports_as`` and
    ``data_file``, in which the data outlives the process, see
    :mod:`~environments.sandbox.mongodb.storage.data_file`."""

    name = "mongodb"
    fault_ids = FAULT_IDS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.database = str(config["database"])
        self.data_file = DataFile(Path(config["data_file"]))
        users = users_from_config(config["users"])
        self.instance = Instance(Store(), users, self.database, str(config["reports_as"]))
        self.server = Server(self.instance)
        self.seeded: dict[str, Any] = {}
        self._passwords = [str(user["password"]) for user in config["users"]]
        self._hidden = Hidden()
        self._mutations = Mutations()

    async def start(self) -> Mapping[str, Any]:
        self.instance.store, self.seeded = self.data_file.load()
        if self.seeded:
            self._damage()
            self.data_file.write_out(self.instance.store, self.seeded)
        else:
            self._seed()
        await self.faults_changed(self.faults, frozenset())
        host, port = await self.server.start(str(self.config["host"]), int(self.config["port"]))
        self.instance.port = port
        self.log.info("listening on %s:%d", host, port)
        return {"host": host, "port": port, "database": self.database, **self.seeded}

    def _damage(self) -> None:
        """Apply faults that damage the data at an outage; a reset restores the seed."""
        for fault, damage in DAMAGES.items():
            if self.fault(fault):
                damage(self._collection(str(self.seeded["guid"])))

    async def stop(self) -> None:
        await self.server.stop()
        self.data_file.close()

    async def reset(self) -> None:
        """Seed again, relative to the present time; users and connections stay."""
        self._hidden.collections.clear()
        self._mutations.forget()
        self._seed()
        await self.faults_changed(self.faults, frozenset())

    def _seed(self) -> None:
        store = Store()
        count = int(self.config["settings"]["seed_recordings"])
        self.seeded = seed(store, self.database, datetime.now(UTC), count).facts()
        self.instance.store = store
        self.data_file.muted = frozenset()
        self.data_file.write_out(store, self.seeded)

    async def state(self) -> Mapping[str, Any]:
        counts = {name: {collection: len(c.documents) for collection, c in collections.items()}
                  for name, collections in self.instance.store.databases.items()}  # fmt: skip
        return {"collections": counts, "connections": self.instance.connection_counts(),
                "open_cursors": len(self.instance.cursors), "hidden": sorted(self._hidden.collections),
                **self.seeded}  # fmt: skip

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        store, guid = self.instance.store, str(self.seeded["guid"])
        with self.data_file.paused():
            self._hidden.change(store, self.database, guid, switched_on, switched_off)
            self._mutations.undo(switched_off)
            self._mutations.apply(switched_on, self._site)
        self.data_file.muted = frozenset(each.namespace for each in self._hidden.collections.values())
        self.instance.alterations = alterations(self.faults, self._passwords)
        if UNCLOSED in switched_off:
            self.instance.forget_unclosed()

    def _site(self, fault: str) -> Site:
        guid = str(self.seeded["guid"])
        return Site(fault, *(self._collection(name) for name in (BASE_PATHS, guid, guid + UNRECOGNIZED_SUFFIX)))

    def _collection(self, name: str) -> Collection:
        """The stored collection, even while it is hidden."""
        return self._hidden.collections.get(name) or self.instance.store.ensure(self.database, name)

    async def command(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if name != "seed":
            return await super().command(name, params)
        try:
            return {"uuids": [self._add(entry) for entry in params.get("recordings", [])]}
        finally:
            self.instance.store.flush()

    def _add(self, entry: Mapping[str, Any]) -> str:
        try:
            return str(self._collection(str(self.seeded["guid"])).insert(described(entry))["uuid"])
        except MongoError as error:
            raise CommandError(error.message) from error
