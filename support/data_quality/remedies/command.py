"""``focus-acceptance remedy``: plan, ask for consent, keep the old values, carry out.

Exit codes: 0 nothing is left to do, 1 something is left or failed, 2 wrong use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from support.clients.focus_server.answers import ShapeError
from support.clients.journal import Journal
from support.clients.mongodb.client import DatabaseError, MongoDBClient
from support.clients.safety import SafetyPolicy
from support.config import ConfigurationError, Environment, load_environment
from support.data_quality.remedies.changes import MOST_MS, RemedyChange
from support.data_quality.remedies.indexes import index_needs
from support.data_quality.remedies.plan import RemedyPlan
from support.data_quality.remedies.stale_recordings import stale_recordings
from support.data_quality.remedies.state import state_of_change
from support.data_quality.remedies.undo_file import UndoFile, UndoFileError, read_undo_file, write_undo_file
from support.data_quality.remedies.work import Tell, carry_out
from support.redaction import PROCESS

INDEXES, STALE_RECORDINGS, UNDO = "indexes", "stale-recordings", "undo"
_PATIENCE_S = MOST_MS / 1000 + 60
"""The time-out of commands: a build is answered only when it is complete."""
Planner = Callable[[MongoDBClient, Environment], RemedyPlan]


@dataclass(frozen=True)
class Consent:
    """The consent of the user, given by options. Without ``yes``, nothing is changed."""

    yes: bool = False
    environment_name: str | None = None

    def why_not(self, environment: Environment) -> str | None:
        """Return why the options are no consent to a change of this environment, or None."""
        name = environment.name
        if self.environment_name not in (None, name):
            return f"--environment-name {self.environment_name}: the environment is {name}"
        if self.yes and environment.kind == "production" and self.environment_name is None:
            return f"environment {name} is production: it is changed only with --yes --environment-name {name}"
        return None


class RemedyRefused(Exception):
    """Wrong use. The text is one sentence."""


def remedy(name: str, environment: str, run_file: Path | None, consent: Consent, folder: Path, tell: Tell) -> int:
    """Plan ``indexes`` or ``stale-recordings`` from the current state and, with consent, carry the plan out.

    The old values are kept in a file in ``folder``.
    """
    return _carried_out(_PLANNERS[name], environment, run_file, consent, folder, tell)


def undo(file: Path, environment: str | None, run_file: Path | None, consent: Consent, tell: Tell) -> int:
    """Plan how to undo a remedy from its file and, with consent, carry the plan out."""
    try:
        kept = read_undo_file(file)
    except UndoFileError as error:
        return _refused(str(error), tell)
    if environment not in (None, kept.environment):
        return _refused(f"{file}: it was written for the environment {kept.environment}, not for {environment}", tell)

    def plan(database: MongoDBClient, loaded: Environment) -> RemedyPlan:
        return _plan_back(database, loaded, kept, file)

    return _carried_out(plan, kept.environment, run_file, consent, None, tell)


def _carried_out(
    planner: Planner, name: str, run_file: Path | None, consent: Consent, folder: Path | None, tell: Tell
) -> int:
    try:
        environment = load_environment(name, run_file=run_file)
        if (sentence := consent.why_not(environment)) is not None:
            raise RemedyRefused(sentence)
        with _connected(environment, consent) as database:
            plan = planner(database, environment)
            for line in plan.lines():
                tell(line)
            return _end(plan, database, consent, folder, tell)
    except (ConfigurationError, RemedyRefused) as error:
        return _refused(str(error), tell)
    except (DatabaseError, ShapeError) as error:
        tell(f"remedy: {error}")
        return 1
    except OSError as error:
        tell(f"remedy: the old values cannot be kept, so nothing was changed: {error.strerror}: {error.filename}")
        return 1


@contextmanager
def _connected(environment: Environment, consent: Consent) -> Iterator[MongoDBClient]:
    """Yield a client that refuses changes by itself, unless the user has consented."""
    PROCESS.hide(*environment.secrets())
    policy = SafetyPolicy(environment.name, writes_database=consent.yes)
    journal = Journal(environment.secrets(), PROCESS)
    database = MongoDBClient(environment.mongodb, journal, policy, command_timeout_s=_PATIENCE_S)
    try:
        yield database
    finally:
        database.close()


def _end(plan: RemedyPlan, database: MongoDBClient, consent: Consent, folder: Path | None, tell: Tell) -> int:
    if not plan.changes:
        return 1 if plan.blocked else 0
    if not consent.yes:
        production = f" --environment-name {plan.environment}" if consent.environment_name else ""
        tell(f"nothing was changed; do it with --yes{production}")
        return 1
    if folder is not None:
        file = write_undo_file(plan, folder)
        tell(f"the old values are in {file}; focus-acceptance remedy undo {file} takes it back")
    work = carry_out(plan, database, tell)
    tell(work.sentence)
    return 0 if work.succeeded and not plan.blocked else 1


def _refused(sentence: str, tell: Tell) -> int:
    tell(f"remedy: {sentence}")
    return 2


def _plan_indexes(database: MongoDBClient, environment: Environment) -> RemedyPlan:
    collection = _collection(database, environment)
    needs = index_needs(database, collection)
    return _plan(INDEXES, environment, collection, needs.changes, needs.blocked)


def _plan_stale_recordings(database: MongoDBClient, environment: Environment) -> RemedyPlan:
    collection = _collection(database, environment)
    found = stale_recordings(database, collection, timedelta(hours=environment.limits.stale_recording_h))
    return _plan(STALE_RECORDINGS, environment, collection, found.changes, (), found.aside)


_PLANNERS: dict[str, Planner] = {INDEXES: _plan_indexes, STALE_RECORDINGS: _plan_stale_recordings}


def _collection(database: MongoDBClient, environment: Environment) -> str:
    """Return the collection that base_paths names for the configured path.

    It must exist, because building an index would create it.
    """
    entries = [entry for entry in database.base_paths() if entry.base_path == environment.mongodb.base_path]
    live = [entry.guid for entry in entries if not entry.is_archive]
    path = environment.mongodb.base_path
    if len(live) > 1:
        raise DatabaseError("refused", f"base_paths has {len(live)} live entries for {path}: {', '.join(live)}")
    if not live:
        raise DatabaseError("refused", f"base_paths has no live entry for {path}")
    if live[0] not in database.collections():
        raise DatabaseError("refused", f"base_paths leads from {path} to {live[0]}, which is no collection")
    return live[0]


def _plan_back(database: MongoDBClient, environment: Environment, kept: UndoFile, file: Path) -> RemedyPlan:
    """Plan to undo the changes that are still as the remedy left them. Anything changed since is left alone."""
    if kept.database != environment.mongodb.database:
        raise RemedyRefused(f"{file}: database {kept.database} is not that of environment {environment.name}")
    if kept.collection not in {entry.guid for entry in database.base_paths()} & set(database.collections()):
        raise RemedyRefused(f"{file}: collection {kept.collection} is none that base_paths leads to")
    changes, blocked = [], []
    for change in reversed(kept.changes):
        state = state_of_change(database, change)
        if state == change.after:
            changes.append(change)
        elif state != change.before:
            blocked.append(f"{change.back}: it was changed since, by somebody else")
    return _plan(UNDO, environment, kept.collection, tuple(changes), tuple(blocked), back=True)


def _plan(
    name: str,
    environment: Environment,
    collection: str,
    changes: tuple[RemedyChange, ...],
    blocked: tuple[str, ...] = (),
    aside: tuple[str, ...] = (),
    *,
    back: bool = False,
) -> RemedyPlan:
    database = environment.mongodb.database
    return RemedyPlan(name, environment.name, database, collection, changes, blocked, aside, back)
