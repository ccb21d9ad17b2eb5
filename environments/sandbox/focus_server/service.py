"""The behaviour of the endpoints without HTTP: request bytes in, answer object out, or a :class:`Refused`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any

from environments.sandbox.focus_server.answers import (
    CHANNELS,
    CONNECTED_METADATA,
    LIVE_METADATA_TREE,
    WAITING_METADATA,
)
from environments.sandbox.focus_server.cluster import ConfigMapReader
from environments.sandbox.focus_server.hooks import hook
from environments.sandbox.focus_server.opening import Opener
from environments.sandbox.focus_server.recordings import Recording, RecordingIndex
from environments.sandbox.focus_server.refusals import (
    MongoDbAway,
    NoLiveMetadata,
    NoRecording,
    RuleViolation,
    SchemaError,
    UnknownJob,
    WaitingForFibre,
)
from environments.sandbox.focus_server.rules import check_configure, check_window
from environments.sandbox.focus_server.schema import ConfigureRequest, View, Window, parse_configure, parse_window

STORAGE_KEY = "storage_mount_path"


class FocusService:
    """The behaviour of the server, as required."""

    def __init__(
        self,
        index: RecordingIndex,
        configuration: ConfigMapReader,
        opener: Opener,
        settings: Mapping[str, Any],
        log: logging.Logger,
    ) -> None:
        self.index, self.configuration, self.opener, self.log = index, configuration, opener, log
        self.configure_s, self.highest_view = settings["configure_ms"] / 1000, View(settings["highest_view"])
        self.fibre_connected, self.waiting_metadata = True, settings["waiting_metadata"]
        workers = settings["server_workers"]
        self._announcing: asyncio.Task[None] | None = None
        self.workers: AbstractAsyncContextManager[object] = asyncio.Semaphore(workers) if workers else nullcontext()
        """Held while an investigation is opened; with 0 workers there is no limit."""
        self.turn: AbstractAsyncContextManager[object] = (
            asyncio.Lock() if settings["configure_turns"] == "one" else nullcontext()
        )
        """Held while an id and a port are assigned."""

    @hook("configure")
    async def configure(self, body: bytes) -> Mapping[str, Any]:
        """``POST /configure``: check, find the data, open. Nothing is started before all checks have passed."""
        async with self.workers:
            try:
                request = self.read_configure(body)
            except (RuleViolation, SchemaError) as refused:
                return await self.refuse(body, refused)
            metadata = await self.source_metadata(request)
            async with self.turn:
                started_s = time.monotonic()
                answer = await self.opener.open(request, metadata)
                await asyncio.sleep(max(0.0, started_s + self.configure_s - time.monotonic()))
                return answer

    @hook("configure.read")
    def read_configure(self, body: bytes) -> ConfigureRequest:
        request = parse_configure(body, self.highest_view)
        check_configure(request)
        return request

    @hook("configure.refuse")
    async def refuse(self, body: bytes, refused: RuleViolation | SchemaError) -> Mapping[str, Any]:
        """Answer a request that cannot be opened."""
        raise refused

    async def source_metadata(self, request: ConfigureRequest) -> Mapping[str, Any]:
        """The metadata of the recording that was found, or of the live fibre."""
        if request.window is None:
            await self.check_fibre()
            return LIVE_METADATA_TREE
        recording = await self.find_recording(request.window)
        return json_ready(recording.metadata) if recording.metadata else LIVE_METADATA_TREE

    @hook("fibre.check")
    async def check_fibre(self) -> None:
        if not self.fibre_connected:
            raise WaitingForFibre

    @hook("recording.find")
    async def find_recording(self, window: Window) -> Recording:
        recording = await self.index.find(await self.storage_path(), window)
        if recording is None:
            raise NoRecording(window.start_s, window.end_s)
        return recording

    async def storage_path(self) -> str:
        return (await self.configuration.latest()).get(STORAGE_KEY, "")

    @hook("fibre.tell")
    def live_metadata(self) -> Mapping[str, Any]:
        """``GET /live_metadata``."""
        if not self.fibre_connected and self.waiting_metadata == "404":
            raise NoLiveMetadata
        return CONNECTED_METADATA if self.fibre_connected else WAITING_METADATA

    @hook("channels.tell")
    def channels(self) -> Mapping[str, int]:
        """``GET /channels``."""
        return CHANNELS

    @hook("metadata.tell")
    async def metadata(self, job_id: str) -> Mapping[str, Any]:
        """``GET /metadata/{job_id}``: the answer that opened the investigation, while its job exists."""
        answer = self.opener.answers.get(job_id)
        if answer is None or not self.opener.view.exists(f"grpc-job-{job_id}"):
            raise UnknownJob(job_id)
        return answer

    @hook("recordings.list")
    async def recordings_in_time_range(self, body: bytes) -> Sequence[Sequence[int]]:
        """``POST /recordings_in_time_range``: ``[start, end]`` of each recording; end is -1 while it is in progress."""
        window = parse_window(body)
        check_window(window)
        recordings = await self.index.overlapping(await self.storage_path(), window)
        return [[recording.start_s, recording.end_s] for recording in recordings]

    @hook("start.connect")
    async def connect(self) -> None:
        """Connect at the start without waiting; an unavailable MongoDB is connected once it answers."""
        self._announcing = asyncio.create_task(self._announce_mongodb())

    async def close(self) -> None:
        if self._announcing is not None:
            self._announcing.cancel()

    async def _announce_mongodb(self) -> None:
        """Connect to MongoDB in the background, and log the result."""
        warned = False
        while True:
            try:
                await self.index.ping()
            except MongoDbAway:
                if not warned:
                    self.log.warning("MongoDB does not answer yet; connecting later")
                warned = True
                await asyncio.sleep(0.2)
            else:
                self.log.info("connected to MongoDB")
                return


def json_ready(value: Any) -> Any:
    """Convert metadata to types that JSON can represent."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
