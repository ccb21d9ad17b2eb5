"""The hooks of the run as a whole: environment, sandbox, clients, and what the record says about them."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from behave.runner import Context

from support.capacity.profiled import AskedLoad
from support.capacity.report.store import Reports
from support.clients.change_journal import ChangeJournal, journal_file
from support.clients.clock import WORTH_TELLING_S, ClockOffset
from support.clients.kubernetes.api import ClusterError
from support.clients.kubernetes.tunnel import port_closed_to_us
from support.clients.safety import Budget, SafetyPolicy
from support.clients.sandbox.embedded import EmbeddedSandbox
from support.clients.ssh.errors import SSHError
from support.config import ConfigurationError, Environment, load_environment
from support.config.documents import shown
from support.config.errors import suggestion
from support.files import PROJECT
from support.hooks.confirm import say_what_it_does
from support.hooks.fingerprint import fingerprint, revision
from support.hooks.many_testers import asked_load
from support.hooks.options import environment_name, publishes_all
from support.hooks.units import concurrency_of
from support.investigations.own_channels import OwnChannels
from support.investigations.run_ledger import RunLedger, ledger_file
from support.investigations.stream_clients import require_stream_client
from support.redaction import PROCESS
from support.reporting.formatter import history_folder, reports_directory, run_folder
from support.reporting.record import context as reporting
from support.reporting.record.known import KnownIssue
from support.reporting.record.requests import request_times
from support.world.world import World

_SCENARIO = re.compile(r"@([A-Z]{2}-\d{2}[a-z])\b")
# The space for the reports of a long run with many failures.
_ROOM_BYTES = 4_000_000


class EnvironmentUnreachable(Exception):
    """The environment does not answer at all: nothing can be judged. ``exit_code`` is that of wrong use."""

    exit_code = 2


class ReportsNotWritable(Exception):
    """The reports cannot be written, so there would be no place for the result of the run."""

    exit_code = 2


class SiteLeftBroken(Exception):
    """A killed run changed the environment and did not undo it. This run would judge what the suite itself did."""

    exit_code = 2


@dataclass(frozen=True)
class _Books:
    """The records of open investigations and changes that earlier runs left and this one continues."""

    ledger: RunLedger
    changes: ChangeJournal


def before_all(context: Context) -> None:
    """Load the environment, start the sandbox if it is one, and connect the clients."""
    _require_room_for(reports_directory(context.config))
    name = environment_name(context.config.userdata, os.environ)
    given = context.config.userdata.get("sandbox_run_file")
    report = reporting.current()
    given_file = Path(given) if given else None
    by_name = load_environment(name, run_file=given_file)
    PROCESS.hide(*by_name.secrets())
    report.environment = by_name.identity.name
    require_stream_client(by_name)
    tags = [scenario.effective_tags for scenario in report.selected]
    confirmed = say_what_it_does(by_name, tags, context.config.userdata, os.environ)
    report.known_issues = _known_issues(by_name)
    _require_known_scenarios(by_name)
    report.looser_limits = by_name.looser_than_required()
    books = _mind_the_last_run(context, by_name, given_file)
    budget = context.side_by_side.prepare(
        concurrency_of(by_name, starts_its_own=context.sandbox is not None),
        SafetyPolicy.of(by_name, confirmed),
        functools.partial(connect_beside, context, name, confirmed),
        functools.partial(connect_apart, context, name, confirmed),
    )
    run_file = _run_file(context, given_file)
    environment = by_name if run_file == given_file else load_environment(name, run_file=run_file)
    PROCESS.hide(*environment.secrets())
    _tell_what_is_not_checked(environment)
    reports = Reports(run_folder(context.config), {}, revision(PROJECT)["git"] or "unknown")
    asked = asked_load(context, environment)
    context.world = _connect(environment, books, reports, history_folder(context.config), budget, confirmed, asked)
    context.add_cleanup(context.world.close)
    if environment.kind == "sandbox":
        context.world.infrastructure.announce(tags)
    _tell_clock(context.world.cluster.client.clock)
    context.add_cleanup(_note_requests, context)
    report.fingerprint = fingerprint(context.world)
    if (closed := port_closed_to_us(environment.kubernetes)) is not None:
        report.remark("kubernetes api port", closed)
    reports.fingerprint = {name: fact for name, fact in report.fingerprint.items() if name != "configuration"}
    context.add_cleanup(context.side_by_side.end)  # registered last, runs first: the workers need what is cleaned up
    context.side_by_side.go(run_file)


def connect_beside(
    context: Context, name: str, confirmed: bool, run_file: Path | None, shift: int, budget: Budget
) -> None:
    """Connect a process that runs beside others to the same environment, with its own clients and channels."""
    environment = load_environment(name, run_file=run_file)
    _connect_process(context, environment, budget, confirmed)
    context.world.neighbours.side_by_side = True
    context.world.register.channels = OwnChannels(environment.limits.most_channels, shift)


def connect_apart(
    context: Context, name: str, confirmed: bool, run_file: Path | None, shift: int, budget: Budget
) -> None:
    """Start a further sandbox for this process alone, and connect to it.

    ``run_file`` and ``shift`` matter only to processes that share the first sandbox.
    Raises :class:`~support.clients.sandbox.embedded.SandboxError`.
    """
    sandbox = context.sandbox = EmbeddedSandbox(load_environment(name).sandbox.settings)
    with contextlib.ExitStack() as unless_connected:
        unless_connected.callback(sandbox.stop)
        environment = load_environment(name, run_file=sandbox.start().run_file)
        _connect_process(context, environment, budget, confirmed)
        unless_connected.pop_all()


def _connect_process(context: Context, environment: Environment, budget: Budget, confirmed: bool) -> None:
    PROCESS.hide(*environment.secrets())
    reports = Reports(run_folder(context.config), {}, "unknown")
    context.world = _connect(environment, _books(context, environment), reports, None, budget, confirmed)


def _known_issues(environment: Environment) -> list[KnownIssue]:
    return [
        KnownIssue(issue.scenario, issue.ticket, issue.expires, issue.reason, issue.also, issue.notice or "")
        for issue in environment.known_issues
    ]


def _tell_what_is_not_checked(environment: Environment) -> None:
    """Print once which certificates are not checked: anyone between the suite and these services would be trusted."""
    sections = {"focus_server": environment.focus_server_section, "kubernetes": environment.kubernetes_section}
    careless = [f"{name}.verify_tls" for name, section in sections.items() if section and not section.verify_tls]
    if careless:
        print(f"note: certificates are not checked where it says false: {', '.join(careless)}", file=sys.stderr)


def _require_known_scenarios(environment: Environment) -> None:
    """Reject a known issue of a scenario that does not exist: it hides nothing, and is a mistake."""
    texts = (path.read_text(encoding="utf-8") for path in (PROJECT / "features").rglob("*.feature"))
    known = {found for text in texts for found in _SCENARIO.findall(text)}
    variable = "FOCUS__KNOWN_ISSUES"
    where = f"environment variable {variable}" if variable in os.environ else shown(environment.source)
    for issue in environment.known_issues:
        if issue.scenario.partition(".")[0] not in known:
            raise ConfigurationError(
                f"{where}: known_issues: there is no scenario {issue.scenario}; "
                f"{suggestion(issue.scenario, known)}allowed: the id of a scenario of the features"
            )


def _require_room_for(reports: Path) -> None:
    """Raise :class:`ReportsNotWritable` unless reports can be written and there is room for them."""
    try:
        reports.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=reports) as probe:
            probe.write(bytes(_ROOM_BYTES))
    except OSError as error:
        raise ReportsNotWritable(f"reports: cannot write to {reports}: {error.strerror}") from error


def _run_file(context: Context, given: Path | None) -> Path | None:
    """Return the file with the endpoints of a sandbox.

    A sandbox that was started with the run is awaited. It ends after everything that uses it.
    """
    sandbox: EmbeddedSandbox | None = context.sandbox
    if sandbox is None:
        return given
    context.add_cleanup(sandbox.end)
    if publishes_all(context.config.userdata):
        from support.reporting.publish import prepare  # loaded while the sandbox starts, and needed at the end

        prepare()
    return sandbox.start().run_file


def _books(context: Context, environment: Environment) -> _Books:
    reports, name = reports_directory(context.config), environment.identity.name
    return _Books(RunLedger(ledger_file(reports, name)), ChangeJournal(journal_file(reports, name)))


def _mind_the_last_run(context: Context, environment: Environment, run_file: Path | None) -> _Books:
    """Report what killed runs left. Raises :class:`SiteLeftBroken` for a site that they left changed.

    A sandbox that has just started has no such leftovers.
    """
    reports, name = reports_directory(context.config), environment.identity.name
    books = _books(context, environment)
    if environment.endpoints == "run_file" and run_file is None:
        books.ledger.forget_dead_runs()
        books.changes.forget_dead_runs()
        return books
    options = f" --run-file {run_file}" if run_file else ""
    options += f" --reports {reports}" if reports != Path("reports") else ""
    sweep = f"focus-acceptance sweep -e {name}{options} --yes"
    if broken := books.changes.of_dead_runs():
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise SiteLeftBroken(f"environment {name} was left changed by a killed run: {broken[-1].what}{more}; {sweep}")
    pending = [entry for entry in books.ledger.pending() if not entry.is_of_a_live_run]
    if pending:
        print(f"an earlier run may have left {len(pending)} investigations behind: {sweep}")
    return books


def _connect(
    environment: Environment,
    books: _Books,
    reports: Reports,
    history: Path | None,
    budget: Budget,
    confirmed: bool,
    asked: AskedLoad | None = None,
) -> World:
    try:
        return World(environment, books.ledger, books.changes, reports, history, budget, confirmed, asked)
    except (ClusterError, SSHError) as error:
        name = environment.identity.name
        doctor = f"focus-acceptance doctor -e {name} tells which layer is broken"
        raise EnvironmentUnreachable(f"environment {name} cannot be reached: {error}; {doctor}") from error


def _tell_clock(clock: ClockOffset) -> None:
    """Print a large or unknown clock offset: the windows of evidence and the findings of a sweep depend on it."""
    if not clock.is_known or abs(clock.seconds) >= WORTH_TELLING_S:
        print(f"note: {clock}", file=sys.stderr)


def _note_requests(context: Context) -> None:
    """Record how long the Focus Server took for its answers, over the whole run."""
    made = [*context.world.requests_made(), *context.side_by_side.requests]
    reporting.current().requests = request_times(made, context.world.product.client.base_url)
