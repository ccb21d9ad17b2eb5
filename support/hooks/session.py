"""The run as a whole: environment, sandbox, clients, and what the record says about them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from behave.runner import Context

from support.capacity.report.store import Reports
from support.clients import change_journal
from support.clients.change_journal import ChangeJournal
from support.clients.focus_server.client import TARGET as FOCUS_SERVER
from support.clients.kubernetes.api import ClusterError
from support.clients.sandbox.embedded import EmbeddedSandbox
from support.config import Environment, load_environment
from support.files import PROJECT
from support.hooks.fingerprint import fingerprint, revision
from support.investigations.run_ledger import RunLedger, ledger_file
from support.reporting.formatter import history_folder, reports_directory, run_folder
from support.reporting.record import context as reporting
from support.reporting.record.context import KnownIssue
from support.reporting.record.requests import request_times
from support.world.world import World

# What the reports of a long run with many failures take.
_ROOM_BYTES = 4_000_000


class EnvironmentUnreachable(Exception):
    """The environment does not answer at all: nothing can be judged. ``exit_code`` is that of wrong use."""

    exit_code = 2


class ReportsNotWritable(Exception):
    """There would be nowhere to say what came of the run."""

    exit_code = 2


def before_all(context: Context) -> None:
    """Load the environment, start the sandbox where it is one, connect the clients."""
    _require_room_for(reports_directory(context.config))
    name = context.config.userdata.get("env") or os.environ.get("FOCUS_ENV") or "sandbox"
    given = context.config.userdata.get("sandbox_run_file")
    environment = _load(context, name, Path(given) if given else None)
    report = reporting.current()
    report.environment = environment.identity.name
    report.known_issues = [
        KnownIssue(issue.scenario, issue.ticket, issue.expires, issue.reason) for issue in environment.known_issues
    ]
    ledger = RunLedger(ledger_file(reports_directory(context.config), environment.identity.name))
    _mind_the_last_run(ledger, environment, sandbox_is_new=given is None)
    changes = ChangeJournal(change_journal.journal_file(reports_directory(context.config), environment.identity.name))
    reports = Reports(run_folder(context.config), {}, revision(PROJECT)["git"] or "unknown")
    context.world = _connect(environment, ledger, changes, reports, history_folder(context.config))
    context.add_cleanup(context.world.close)
    context.add_cleanup(_note_requests, context.world)
    report.redact = context.world.journal.redact
    report.fingerprint = fingerprint(context.world)
    reports.fingerprint = {name: fact for name, fact in report.fingerprint.items() if name != "configuration"}


def _require_room_for(reports: Path) -> None:
    """Reports can be written, and there is room for them."""
    try:
        reports.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=reports) as probe:
            probe.write(bytes(_ROOM_BYTES))
    except OSError as error:
        raise ReportsNotWritable(f"reports: cannot write to {reports}: {error.strerror}") from error


def _load(context: Context, name: str, run_file: Path | None) -> Environment:
    """The environment; a sandbox that is not given is started, and ends with the run."""
    environment = load_environment(name, run_file=run_file)
    if run_file is not None or environment.endpoints == "given":
        return environment
    sandbox = EmbeddedSandbox(environment.sandbox.settings)
    context.add_cleanup(sandbox.stop)
    return load_environment(name, run_file=sandbox.start().run_file)


def _mind_the_last_run(ledger: RunLedger, environment: Environment, sandbox_is_new: bool) -> None:
    """What a killed run left behind is said; in a sandbox that has just begun there is nothing of it."""
    if environment.endpoints == "run_file" and sandbox_is_new:
        ledger.forget()
    pending = len(ledger.pending())
    if pending:
        name = environment.identity.name
        print(f"an earlier run may have left {pending} investigations behind: focus-acceptance sweep -e {name}")


def _connect(
    environment: Environment, ledger: RunLedger, changes: ChangeJournal, reports: Reports, history: Path | None
) -> World:
    try:
        return World(environment, ledger, changes, reports, history)
    except ClusterError as error:
        raise EnvironmentUnreachable(f"environment {environment.identity.name} cannot be reached: {error}") from error


def _note_requests(world: World) -> None:
    """How long the Focus Server took, over the whole run."""
    reporting.current().requests = request_times(world.journal.durations(FOCUS_SERVER), world.product.client.base_url)
