"""Reads from the recording index all data by which its quality is judged. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from support.clients.focus_server.client import FocusServerClient
from support.clients.mongodb.client import MongoDBClient
from support.config import Environment
from support.data_quality.documents import UNRECOGNISED_SUFFIX, snapshot_of
from support.data_quality.passwords import MOST_DOCUMENTS, suspects, with_a_command
from support.data_quality.searches import search_for, search_from
from support.model.commands import Commands
from support.model.index_documents import IndexSnapshot
from support.model.recording_index import Lookups, Search, StoragePath
from support.model.sampling import Sampling, sampling_of_live_fibre, sampling_of_recording
from support.reporting.record import context as reporting

_NEWEST = 10
_WINDOW = timedelta(hours=1)
_FIRST_NEWEST = [("start_time", -1)]


class DataQuality:
    """A view of the recording index of the configured storage path for judging its quality."""

    def __init__(self, mongodb: MongoDBClient, server: FocusServerClient, environment: Environment) -> None:
        self._mongodb = mongodb
        self._server = server
        self._path = environment.mongodb.base_path
        self._limits = environment.limits

    @property
    def _collection(self) -> str:
        return self._mongodb.recordings_collection(self._path)

    def storage_path(self) -> StoragePath:
        entries = [entry for entry in self._mongodb.base_paths() if entry.base_path == self._path]
        live = tuple(entry for entry in entries if not entry.is_archive)
        return StoragePath(self._path, live, frozenset(self._mongodb.collections()))

    def lookups(self) -> Lookups:
        collection = self._collection
        return Lookups(collection, self._mongodb.indexes(collection))

    def search(self) -> Search:
        """Explain how the database answers a search for the recordings of the last hour."""
        now = datetime.now(UTC)
        query = search_for(now - _WINDOW, now)
        return search_from(self._mongodb.explain(self._collection, query))

    def snapshot(self) -> IndexSnapshot:
        """Read all documents of the index.

        A site may have no unrecognised recordings, or not even a collection for them. Either is recorded as a remark.
        """
        read = snapshot_of(self._mongodb, self._collection, timedelta(hours=self._limits.stale_recording_h))
        if not read.unrecognised:
            name = read.collection + UNRECOGNISED_SUFFIX
            state = "is empty" if name in self._mongodb.collections() else "does not exist"
            reporting.current().aside(f"collection {name} {state}: no unrecognised recording was looked at")
        return read

    def commands(self) -> Commands:
        """Return the recordings whose commands have to be examined, but no more than the first fifty."""
        collection, projection = self._collection, {"uuid": 1, "fiber_metadata": 1}
        found = self._mongodb.find(collection, suspects(), projection=projection, limit=MOST_DOCUMENTS)
        some = self._mongodb.find(collection, with_a_command(), projection={"_id": 1}, limit=1)
        return Commands(tuple(found), collection, there_are_some=bool(some))

    def newest(self) -> list[Sampling]:
        """Return the sampling that the newest recordings describe."""
        newest = self._mongodb.find(
            self._collection,
            {"start_time": {"$type": "date"}},
            projection={"uuid": 1, "fiber_metadata": 1},
            sort=_FIRST_NEWEST,
            limit=_NEWEST,
        )
        return [sampling_of_recording(document) for document in newest]

    def live_fibre(self) -> list[Sampling]:
        """Return the sampling of the live fibre that the server reports.

        Raises :class:`AssertionError` without a report.
        """
        answer = self._server.live_metadata()
        body = answer.json() if answer.status == 200 else None
        if not isinstance(body, Mapping):
            raise AssertionError(f"the live metadata were answered {answer.status} {answer.message!r}")
        return [sampling_of_live_fibre(body)]
