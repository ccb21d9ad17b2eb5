"""``focus-acceptance sweep``: lists or removes what killed runs left behind."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

from support.capacity.report.store import Reports
from support.clients.change_journal import Change, ChangeJournal, journal_file
from support.clients.kubernetes.client import ClusterError
from support.clients.safety import SafetyError
from support.clients.ssh.errors import SSHError
from support.config import ConfigurationError, load_environment
from support.investigations.run_ledger import RunLedger, ledger_file
from support.investigations.sweep import CannotTell, Leftovers, Sweep
from support.world.undoing import PROBLEMS
from support.world.world import World


def run(name: str, run_file: Path | None, reports: Path, remove: bool, named: Collection[str]) -> int:
    """List or remove the leftovers. Exit code 0 if nothing is left, 1 if something is or may be, 2 for wrong use."""
    if named and not remove:
        print("sweep: job ids are named to be removed: add --yes", file=sys.stderr)
        return 2
    if not reports.is_dir():
        print(
            f"sweep: --reports: there is no folder {reports}: what killed runs wrote down is not there", file=sys.stderr
        )
        return 2
    try:
        environment = load_environment(name, run_file=run_file)
        ledger, journal = RunLedger(ledger_file(reports, name)), ChangeJournal(journal_file(reports, name))
        world = World(environment, ledger, journal, Reports(reports, {}, "unknown"), None)
    except (ConfigurationError, ClusterError, SSHError, SafetyError) as error:
        print(f"sweep: {error}", file=sys.stderr)
        return 2
    try:
        return _swept(world, Sweep(world.cluster.client, ledger, environment), journal, remove, named)
    except (ConfigurationError, ClusterError, SSHError, SafetyError) as error:
        print(f"sweep: {error}", file=sys.stderr)
        return 2
    except CannotTell as error:
        print(f"sweep: {error}")
        return 1
    finally:
        world.close()


def _swept(world: World, sweep: Sweep, journal: ChangeJournal, remove: bool, named: Collection[str]) -> int:
    changes, leftovers = journal.of_dead_runs(), sweep.find()
    _list(changes, leftovers)
    if unknown := sorted(set(named) - set(leftovers.doubtful) - set(leftovers.investigations)):
        print(f"sweep: {', '.join(unknown)}: not among what is listed; nothing was removed", file=sys.stderr)
        return 2
    if not remove:
        if changes or leftovers:
            print("nothing was removed; do it with --yes")
            _say_how_to_remove(world, leftovers.doubtful)
            return 1
        return _nothing_left(world, sweep)
    failed = [change for change in reversed(changes) if not _undone(world, change)]
    if changes:  # requests that waited for what was undone continue now
        earlier, leftovers = leftovers, sweep.find(undone_at=world.cluster.client.clock.now())
        _list([], leftovers.besides(earlier))
    left = sweep.remove(leftovers.naming(named))
    if left:
        print(f"could not be removed: {', '.join(left)}")
    kept = [job_id for job_id in leftovers.doubtful if job_id not in named]
    _say_how_to_remove(world, kept)
    return 1 if failed or left or kept else _nothing_left(world, sweep)


def _undone(world: World, change: Change) -> bool:
    try:
        world.changes.undo(change)
    except PROBLEMS as problem:
        print(f"could not be undone: {change.what}: {problem}")
        return False
    return True


def _nothing_left(world: World, sweep: Sweep) -> int:
    sweep.close_the_books()
    print(f"environment {world.environment.name}: nothing of this suite is left")
    return 0


def _say_how_to_remove(world: World, doubtful: Collection[str]) -> None:
    if doubtful:
        print(f"what may be somebody else's is removed only when it is named: --yes {' '.join(doubtful)}")


def _list(changes: list[Change], leftovers: Leftovers) -> None:
    for change in changes:
        print(f"  changed: {change.what}, since {change.begun_at:%Y-%m-%d %H:%M:%S} UTC")
    for job_id in leftovers.investigations:
        print(f"  investigation {job_id}")
    for kind, name in leftovers.holders:
        print(f"  {kind} {name}")
    for job_id in leftovers.perhaps_ours:
        print(f"  investigation {job_id} is perhaps ours: it began after a request of ours whose answer never came")
    for job_id in leftovers.not_known:
        print(f"  investigation {job_id} is perhaps ours: whether it is the one that was opened cannot be told")
    for job_id in leftovers.not_ours:
        print(f"  investigation {job_id} is somebody else's now and is left alone")
