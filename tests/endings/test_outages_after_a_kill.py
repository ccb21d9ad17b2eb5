"""A run that is killed in the middle of an outage: its changes are on disk, and another process undoes them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.capacity.report.store import Reports
from support.clients.change_journal import ChangeJournal
from support.clients.sandbox.embedded import EmbeddedSandbox
from support.config import load_environment
from support.investigations.run_ledger import RunLedger
from support.resilience.links import LINK
from support.world.world import World

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
from support.resilience.links import DISTURBANCES
from tests.endings.test_outages_after_a_kill import world_of
outages = world_of(Path(sys.argv[1]), Path(sys.argv[2])).resilience.outages
eval(sys.argv[3], {"outages": outages, "DISTURBANCES": DISTURBANCES})
os.kill(os.getpid(), signal.SIGKILL)
"""


def world_of(run_file: Path, folder: Path) -> World:
    environment = load_environment("sandbox", run_file=run_file)
    journal, reports = ChangeJournal(folder / "changes.jsonl"), Reports(folder, {}, "unknown")
    return World(environment, RunLedger(folder / "ledger.jsonl"), journal, reports, None)


@pytest.fixture(scope="module")
def run_file() -> Iterator[Path]:
    sandbox = EmbeddedSandbox({"time_scale": 0.02, "seed_recordings": 20}).start()
    yield sandbox.run_file
    sandbox.stop()


@pytest.mark.parametrize(
    ("outage", "kinds"),
    [
        ("outages.stop('MongoDB')", ["recovery", "stopped_workload"]),
        ("outages.cut_off()", ["recovery", "network_policy"]),
        ("outages.disturb(DISTURBANCES['the answers are lost'])", ["recovery", "disturbed_link"]),
        ("outages.crash('the server')", ["recovery", "crashed_workload"]),
    ],
)
def test_what_a_killed_run_has_left_is_named_and_undone(
    run_file: Path, tmp_path: Path, outage: str, kinds: list[str]
) -> None:
    words = [sys.executable, "-c", KILLED, str(run_file), str(tmp_path), outage]
    ended = subprocess.run(words, cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    journal = ChangeJournal(tmp_path / "changes.jsonl")
    left = journal.of_dead_runs()
    assert [change.kind for change in left] == kinds
    with closing(world_of(run_file, tmp_path)) as world:
        for change in reversed(left):
            world.changes.undo(change)
        cluster, switches = world.cluster.client, world.product.sandbox
        assert cluster.network_policies() == [] and switches is not None and switches.toxics(LINK) == set()
        assert all(one.ready == one.replicas == 1 for one in (*cluster.deployments(), *cluster.stateful_sets()))
    assert journal.pending() == []
