"""Wrong documents and missing indexes, created when their fault is switched on and undone when it is switched off."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from bson import ObjectId

from environments.sandbox.mongodb.faults.site import QUIET_FOR, Site
from environments.sandbox.mongodb.seed.seeding import LIVE_PATH
from environments.sandbox.mongodb.storage.collection import Document

STALE_FOR = timedelta(hours=25)
STALE_FOR_DAYS = timedelta(hours=117.27)
RECOGNISED = 0.131
"""The share of folders that were recognised on 3 November 2025 (docs/facts/mongodb.md 7)."""
SECRET_COMMAND = (
    "baby_analyzer --amqp amqp://prisma:" + "not-a-real-password" + "@rabbitmq-panda:5672/ --forward livefs"
)


def _path_not_indexed(site: Site) -> None:
    entry = site.live_entry()
    site.replace(site.paths, entry, {**entry, "base_path": "/prisma/root/recordings/elsewhere"})


def _path_leads_nowhere(site: Site) -> None:
    entry = site.live_entry()
    site.replace(site.paths, entry, {**entry, "guid": str(uuid.uuid4())})


def _second_live_entry(site: Site) -> None:
    archive = next(entry for entry in site.paths.documents.values() if entry.get("is_archive"))
    site.insert(site.paths, {"base_path": LIVE_PATH, "guid": archive["guid"], "is_archive": False})


def _duplicate_uuid(site: Site) -> None:
    """Insert a duplicate; a unique index would refuse it."""
    site.replace_index("uuid")
    first = site.add()
    site.add(after_s=60, uuid=first["uuid"])


def _overlapping(site: Site) -> None:
    site.add()
    site.add(after_s=20)


def _stale(site: Site, since: timedelta = STALE_FOR) -> None:
    site.insert(site.recordings, site.recording(since))


def _password_in_command(site: Site) -> None:
    document = site.recording(QUIET_FOR, timedelta(seconds=40))
    metadata = document["fiber_metadata"]
    document["fiber_metadata"] = {**metadata, "parent": {**metadata["parent"], "cmd": SECRET_COMMAND}}
    site.insert(site.recordings, document)


def _folder(count: int) -> Document:
    return {"_id": ObjectId(), "folder_name": str(uuid.uuid4()), "file_count": count, "update_time": datetime.now(UTC)}


def _folder_without_files(site: Site) -> None:
    site.insert(site.unrecognised, _folder(0))


def _many_folders(site: Site) -> None:
    """Add folders beyond the limit of one in four."""
    for _ in range(len(site.recordings.documents) // 4 + 1):
        site.insert(site.unrecognised, _folder(1))


def _mostly_folders(site: Site) -> None:
    recordings, folders = len(site.recordings.documents), len(site.unrecognised.documents)
    for _ in range(round(recordings / RECOGNISED) - recordings - folders):
        site.insert(site.unrecognised, _folder(1))


MUTATIONS: Mapping[str, Callable[[Site], object]] = {
    "storage-path-not-indexed": _path_not_indexed,
    "storage-path-leads-nowhere": _path_leads_nowhere,
    "second-live-entry-for-the-path": _second_live_entry,
    "index-start-time-missing": lambda site: site.drop_index("start_time"),
    "index-end-time-missing": lambda site: site.drop_index("end_time"),
    "index-deleted-missing": lambda site: site.drop_index("deleted"),
    "index-uuid-missing": lambda site: site.drop_index("uuid"),
    "index-uuid-not-unique": lambda site: site.replace_index("uuid"),
    "range-query-without-index": lambda site: site.hide_indexes(),
    "recording-without-uuid": lambda site: site.add(uuid=...),
    "duplicate-uuid": _duplicate_uuid,
    "recording-ends-before-it-starts": lambda site: site.add(seconds=-40),
    "recording-ends-when-it-starts": lambda site: site.add(seconds=0),
    "start-time-is-a-number": lambda site: site.add(start_time=1_700_000_000),
    "end-time-is-a-text": lambda site: site.add(end_time="2026-01-10T08:00:40Z"),
    "deleted-is-a-text": lambda site: site.add(deleted="no"),
    "deleted-mark-missing": lambda site: site.add(deleted=...),
    "recordings-overlap": _overlapping,
    "unrecognised-recording-without-files": _folder_without_files,
    "too-many-unrecognised-recordings": _many_folders,
    "most-recordings-unrecognised": _mostly_folders,
    "stale-recording-in-the-index": _stale,
    "recording-open-for-days": lambda site: _stale(site, STALE_FOR_DAYS),
    "recording-without-start-time": lambda site: site.add(start_time=...),
    "credentials-in-metadata": _password_in_command,
    "dtype-missing": lambda site: site.change_newest(dtype=...),
    "dtype-not-allowed": lambda site: site.change_newest(dtype="complex64"),
    "pulse-rate-missing": lambda site: site.change_newest(prr=...),
    "samples-and-channels-disagree": lambda site: site.change_newest(
        recorder={"num_samples_per_trace": 9791}, num_samples_per_trace=2048
    ),
}
"""The change of each fault."""


class Mutations:
    """The mutations in force."""

    def __init__(self) -> None:
        self._sites: dict[str, Site] = {}

    def apply(self, faults: Iterable[str], site: Callable[[str], Site]) -> None:
        for fault in sorted(set(faults) & set(MUTATIONS) - set(self._sites)):
            self._sites[fault] = site(fault)
            MUTATIONS[fault](self._sites[fault])

    def undo(self, faults: Iterable[str]) -> None:
        """Undo them in reverse order, because one may depend on another."""
        for fault in [name for name in reversed(self._sites) if name in set(faults)]:
            self._sites.pop(fault).undo()

    def forget(self) -> None:
        """Forget the mutations, because the documents that they changed are gone."""
        self._sites.clear()
