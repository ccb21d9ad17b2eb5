"""Ledger on disk of what was opened and not yet released: a killed run leaves behind the list of what to sweep.

The intention is written before a request is sent, then the job that the answer names, then the uid of that job once it
was seen. If the answer never came, the intention serves to find what the request has opened.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.clients.journal_file import JournalFile
from support.clients.processes import ProcessId

Channels = tuple[int, int]


@dataclass(frozen=True)
class Intention:
    """Intention to send ``number`` requests to open, recorded at ``at`` by the clock of the cluster.

    ``channels`` are the requested ones; None for a request that names none. ``is_certain`` is false if the clock of the
    cluster was not known: ``at`` is then the time of the tester's machine.
    """

    id: str
    at: datetime
    channels: Channels | None
    number: int
    process: ProcessId
    is_certain: bool = True


@dataclass(frozen=True)
class LedgerEntry:
    """Investigation that an answer named, at ``opened_at`` (UTC, this machine's clock: for people only).

    ``uid`` is that of its job, None until the job was seen. ``intention`` is None in old ledgers.
    """

    job_id: str
    opened_at: datetime
    uid: str | None = None
    intention: Intention | None = None

    @property
    def is_of_a_live_run(self) -> bool:
        return self.intention is not None and self.intention.process.lives()


class RunLedger:
    """File with one JSON line per intention, opening and release. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._file = JournalFile(path)

    def intend(self, at: datetime, channels: Channels | None, number: int = 1, is_certain: bool = True) -> Intention:
        """Record requests that are about to be sent. Raises OSError, in which case they must not be sent."""
        intention = Intention(secrets.token_hex(6), at, channels, number, ProcessId.own(), is_certain)
        self._file.write(
            {
                "intended": intention.id,
                "at": at.isoformat(),
                "channels": channels,
                "number": number,
                "process": str(intention.process),
                "certain": is_certain,
            }
        )
        return intention

    def opened(self, job_id: str, intention: Intention, uid: str | None = None) -> None:
        line = {"opened": job_id, "at": datetime.now(UTC).isoformat(), "intention": intention.id}
        self._file.write(line | ({"uid": uid} if uid else {}))

    def identified(self, job_id: str, uid: str) -> None:
        """Record that the job of an opened investigation was seen in the cluster."""
        self._file.write({"identified": job_id, "uid": uid})

    def released(self, job_id: str) -> None:
        self._file.write({"released": job_id})

    def settled(self, *intentions: Intention) -> None:
        """Record that nothing exists, or will appear, that these requests have opened and no answer has named."""
        self._file.write(*({"settled": intention.id} for intention in intentions))

    def pending(self) -> list[LedgerEntry]:
        """Return what was opened and never released, oldest first."""
        return list(self._read()[0].values())

    def unsettled(self) -> list[Intention]:
        """Return the intentions whose effect is not known, oldest first."""
        return list(self._read()[1].values())

    def forget_dead_runs(self) -> None:
        """Clear the ledger if no live run uses it: its entries belong to a sandbox that no longer exists."""
        entries, intentions = self._read()
        if not any(entry.is_of_a_live_run for entry in entries.values()) and not any(
            intention.process.lives() for intention in intentions.values()
        ):
            self._file.forget()

    def _read(self) -> tuple[dict[str, LedgerEntry], dict[str, Intention]]:
        entries: dict[str, LedgerEntry] = {}
        intentions: dict[str, Intention] = {}
        unsettled: dict[str, Intention] = {}
        for line in self._file.lines():
            if "intended" in line:
                intention = _intention(line)
                intentions[intention.id] = unsettled[intention.id] = intention
            elif "opened" in line:
                of = intentions.get(line.get("intention", ""))
                opened_at = datetime.fromisoformat(line["at"])
                entries[line["opened"]] = LedgerEntry(line["opened"], opened_at, line.get("uid"), of)
            elif "identified" in line and (known := entries.get(line["identified"])) is not None:
                entries[known.job_id] = LedgerEntry(known.job_id, known.opened_at, line["uid"], known.intention)
            elif "settled" in line:
                unsettled.pop(line["settled"], None)
            elif "released" in line:
                entries.pop(line["released"], None)
        return entries, unsettled


def _intention(line: Mapping[str, Any]) -> Intention:
    channels = line["channels"]
    return Intention(
        id=line["intended"],
        at=datetime.fromisoformat(line["at"]),
        channels=None if channels is None else (channels[0], channels[1]),
        number=line["number"],
        process=ProcessId.parse(line["process"]),
        is_certain=line.get("certain", True),
    )


def ledger_file(reports: Path, environment: str) -> Path:
    return reports / f"ledger-{environment}.jsonl"
