"""The recordings in a time window, from the recording index in MongoDB."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
from pymongo import AsyncMongoClient, common
from pymongo.errors import PyMongoError

from environments.sandbox.focus_server.hooks import hook
from environments.sandbox.focus_server.refusals import MongoDbAway
from environments.sandbox.focus_server.schema import LATEST_S, Window
from environments.sandbox.shared.clock import wall_s

STALE_AFTER = timedelta(hours=24)
GIVE_UP_AFTER_MS, NOBODY_THERE_AFTER_MS, LOOK_EVERY_MS = 1500, 500, 500
"""The time limit of one lookup, after which MongoDB counts as unavailable; the limit of the search for a server that
does not answer; and the pause between two checks of the server while no request waits for it."""
_GOODBYE_S = 0.05
"""The time limit for ending the sessions, after which the server ends without having done so; they expire."""
common.MIN_HEARTBEAT_INTERVAL = 0.1
"""Seconds between two checks while a request waits for a server. The driver's value is 0.5 and has no option; the
driver's own tests set it this way. All else in a sandbox runs fifty times as fast as on a site."""


@dataclass(frozen=True)
class Recording:
    """One document of the index; ``end`` is None while the recording is in progress."""

    start: datetime
    end: datetime | None
    deleted: bool
    metadata: Mapping[str, Any]

    @property
    def start_s(self) -> int:
        """Epoch seconds, rounded outwards, so that the listed interval never loses recorded time."""
        return math.floor(self.start.timestamp())

    @property
    def end_s(self) -> int:
        """Epoch seconds, rounded outwards; -1 while recording."""
        return -1 if self.end is None else math.ceil(self.end.timestamp())


def read_recording(document: Mapping[str, Any]) -> Recording | None:
    """The recording of a document of the index; None if it has no usable times."""
    start, end = document.get("start_time"), document.get("end_time")
    if not isinstance(start, datetime) or not isinstance(end, datetime | None):
        return None
    metadata = document.get("fiber_metadata")
    return Recording(_utc(start), _utc(end) if end else None, document.get("deleted") is True, metadata or {})


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@hook("recording.count")
def counts(recording: Recording, now: datetime) -> bool:
    """Whether it counts as recorded data: neither deleted, nor open for more than a day.

    In the latter case the recorder died, and the content is unknown.
    """
    is_stale = recording.end is None and recording.start < now - STALE_AFTER
    return not recording.deleted and not is_stale


def overlaps(recording: Recording, window: Window, now: datetime) -> bool:
    """Whether recording and window overlap, in UTC without rounding; an open recording lasts until now."""
    start_s, end_s = recording.start.timestamp(), (recording.end or now).timestamp()
    return start_s < window.end_s and end_s > window.start_s


async def leave(client: AsyncMongoClient[dict[str, Any]]) -> None:
    """Close a driver, which first looks for a server in order to end its sessions. MongoDB may have ended before."""
    with pymongo.timeout(_GOODBYE_S):
        await client.close()


class RecordingIndex:
    """A reader of the index. Each failure of MongoDB is a :class:`MongoDbAway` within two seconds of given time, or
    half a second if no server answers.

    ``pool`` is the maximum number of connections. A request that needs one more waits for it without a limit, as in the
    driver. The two seconds begin after that wait; otherwise the last of many simultaneous requests would report that
    MongoDB does not answer.
    """

    def __init__(self, uri: str, database: str, pool: int) -> None:
        self.uri = uri
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            uri,
            tz_aware=True,
            datetime_conversion="DATETIME_AUTO",  # a date that Python cannot represent spoils only its own recording
            directConnection=True,
            maxPoolSize=pool,
            appname="focus-server",
            connectTimeoutMS=GIVE_UP_AFTER_MS,
            serverSelectionTimeoutMS=NOBODY_THERE_AFTER_MS,
            heartbeatFrequencyMS=LOOK_EVERY_MS,
            retryReads=False,
        )
        self._database = self._client[database]
        self._free = asyncio.Semaphore(pool)

    async def ping(self) -> None:
        """Raise :class:`MongoDbAway` unless MongoDB answers."""
        async with self._asking():
            await self._database.command("ping")

    async def find(self, storage_path: str, window: Window) -> Recording | None:
        """The first recording that counts and overlaps the window."""
        found = await self.overlapping(storage_path, window)
        return found[0] if found else None

    async def overlapping(self, storage_path: str, window: Window) -> list[Recording]:
        """All recordings that count and overlap the window, by start time."""
        now = datetime.now(UTC)
        async with self._asking():
            documents = await self._documents(storage_path, window)
        recordings = [recording for document in documents if (recording := read_recording(document))]
        matching = [each for each in recordings if counts(each, now) and overlaps(each, window, now)]
        return sorted(matching, key=lambda recording: recording.start)

    async def _documents(self, storage_path: str, window: Window) -> list[dict[str, Any]]:
        live_entry = {"base_path": storage_path, "is_archive": {"$ne": True}}
        entry = await self._database["base_paths"].find_one(live_entry)
        if entry is None or not isinstance(entry.get("guid"), str):
            return []
        start, end = (datetime.fromtimestamp(min(LATEST_S, each), UTC) for each in (window.start_s, window.end_s))
        candidates = {"start_time": {"$lt": end}, "$or": [{"end_time": {"$gt": start}}, {"end_time": None}]}
        fields = {"_id": 0, "start_time": 1, "end_time": 1, "deleted": 1, "fiber_metadata": 1}
        return await self._database[entry["guid"]].find(candidates, fields).to_list()

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Find a server first, with a shorter limit than that of the answer. With one limit for both, the driver would
        look for a server until it is over, whatever its limit for the search is."""
        async with self._free:
            try:
                with pymongo.timeout(wall_s(NOBODY_THERE_AFTER_MS / 1000)):
                    await self._client.is_primary
                with pymongo.timeout(wall_s(GIVE_UP_AFTER_MS / 1000)):
                    yield
            except PyMongoError as error:
                raise MongoDbAway() from error

    async def close(self) -> None:
        await leave(self._client)
