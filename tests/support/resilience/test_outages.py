"""Outages of successive scenarios: a scenario does not start again what an earlier one stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.clients.change_journal import ChangeJournal, Changes
from support.resilience.outages import RECOVERY, Outages
from support.resilience.parts import MONGODB, RABBITMQ


class Site:
    """Stands for the parts, their workloads, the recovery and the ambient checks, and records the calls."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def stop(self, name: str) -> str:
        self.done.append(f"stop {name}")
        return name

    def start(self, stop: str) -> None:
        self.done.append(f"start {stop}")

    def named(self, name: str) -> str:
        return name

    def pods(self, part: str) -> list[Any]:
        return []

    def begin(self) -> None:
        """The recovery begins."""

    def answered_before(self) -> int:
        return 200

    def expect_errors(self) -> None:
        """Called for the log, with nothing to do here."""


def test_what_an_earlier_scenario_stopped_is_not_started_by_the_next(tmp_path: Path) -> None:
    """The earlier scenario restored it at its own end. Starting it again would wait for it while another part is cut
    off."""
    site: Any = Site()
    changes = Changes(ChangeJournal(tmp_path / "changes.jsonl"))
    changes.undone_by({RECOVERY: lambda undo: None})
    outages = Outages(site, site, site, site, site, site, changes)
    outages.stop(MONGODB)
    changes.undo_all()
    outages.stop(RABBITMQ)
    outages.end()
    assert site.done == ["stop MongoDB", "stop RabbitMQ", "start RabbitMQ"]
