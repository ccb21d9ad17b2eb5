"""The MongoDB process of a sandbox with an external MongoDB. It forwards, seeds, and can be ended like a pod."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo.errors import PyMongoError

from environments.sandbox.mongodb.elsewhere import MARK, Elsewhere
from environments.sandbox.mongodb.seed.recordings import described
from environments.sandbox.mongodb.seed.seeding import seed
from environments.sandbox.mongodb.storage.store import Store
from environments.sandbox.shared.piping import join
from environments.sandbox.shared.process import CommandError, SandboxProcess


class ForwardingProcess(SandboxProcess):
    """The forwarding process. Its configuration has ``host``, ``port``, ``elsewhere`` (the fields of
    :class:`Elsewhere`) and ``seeded_file``, which holds the facts of the seed during the run, so that a restart of this
    process does not seed again."""

    name = "mongodb"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.elsewhere = Elsewhere(**config["elsewhere"])
        self.seeded_file = Path(config["seeded_file"])
        self.seeded: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Mapping[str, Any]:
        self._client = self.elsewhere.client()
        self._database = self._client[self.elsewhere.database]
        if self.seeded_file.exists():
            self.seeded = json.loads(self.seeded_file.read_text(encoding="utf-8"))
        else:
            await self.reset()
        host, port = self.config["host"], int(self.config["port"])
        self._listener = await asyncio.start_server(self._accept, host, port, reuse_port=True)
        return {"host": host, "port": port, "database": self.elsewhere.database, **self.seeded}

    async def stop(self) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def reset(self) -> None:
        """Seed again, relative to the present time."""
        store = Store()
        count = int(self.config["settings"]["seed_recordings"])
        self.seeded = seed(store, self.elsewhere.database, datetime.now(UTC), count).facts()
        await self.elsewhere.fill(self._database, store.databases[self.elsewhere.database].values())
        self.seeded_file.write_text(json.dumps(self.seeded), encoding="utf-8")

    async def state(self) -> Mapping[str, Any]:
        names = [name for name in await self._database.list_collection_names() if name != MARK]
        counts = {name: await self._database[name].count_documents({}) for name in names}
        return {"collections": {self.elsewhere.database: counts}, "forwarded": len(self._tasks), **self.seeded}

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        if switched_on:
            raise CommandError(f"{sorted(switched_on)[0]}: a MongoDB elsewhere cannot be given faults")

    async def command(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if name != "seed":
            return await super().command(name, params)
        documents = [described(entry) for entry in params.get("recordings", [])]
        try:
            for document in documents:
                await self._database[self.seeded["guid"]].insert_one(document)
        except PyMongoError as error:
            raise CommandError(str(error)) from error
        return {"uuids": [str(document["uuid"]) for document in documents]}

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection; if the server cannot be reached, close it."""
        with contextlib.suppress(OSError), contextlib.closing(writer):
            await join((reader, writer), await asyncio.open_connection(self.elsewhere.host, self.elsewhere.port))
