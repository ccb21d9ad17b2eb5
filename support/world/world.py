"""Everything steps can call, in one typed object: ``context.world``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from support.capacity.profiled import AskedLoad
from support.capacity.report.store import Reports
from support.clients.change_journal import ChangeJournal, Changes
from support.clients.distributed.load_client import DistributedLoadClient
from support.clients.focus_server.client import TARGET as FOCUS_SERVER
from support.clients.focus_server.client import FocusServerClient
from support.clients.focus_server.load_client import BurstClient, LoadClient
from support.clients.journal import Journal
from support.clients.safety import Budget, SafetyPolicy
from support.clients.ssh.client import SSHClient
from support.config import Environment
from support.investigations.clients import Clients
from support.investigations.earlier import EarlierInvestigations
from support.investigations.effects import Effects
from support.investigations.neighbours import Neighbours
from support.investigations.register import Register
from support.investigations.release import Releases
from support.investigations.run_ledger import RunLedger
from support.investigations.service import Investigations
from support.investigations.stream_clients import stream_clients
from support.model.windows import Source, times_of
from support.redaction import PROCESS
from support.world.capacity import CapacityRoom
from support.world.closing import closed_with
from support.world.cluster import Cluster
from support.world.infrastructure import Infrastructure
from support.world.product import Product
from support.world.recordings import RecordingsRoom
from support.world.resilience import Resilience
from support.world.undoing import undoers


class World:
    """The clients and services of one run, connected to one environment. :meth:`close` ends them all.

    ``budget`` is given if the run has other processes, and is shared with them. ``asked`` is the load of a run of
    ``focus-acceptance load``: what is opened at one moment then comes from its testers.
    """

    def __init__(
        self,
        environment: Environment,
        ledger: RunLedger,
        changes: ChangeJournal,
        reports: Reports,
        history: Path | None,
        budget: Budget | None = None,
        confirmed: bool = True,
        asked: AskedLoad | None = None,
    ) -> None:
        self.environment = environment
        self._asked_load = asked
        self.limits = environment.limits
        self.reports = reports
        self.ledger = ledger
        self.changes = Changes(changes)
        self.neighbours = Neighbours(on_the_cluster=not environment.exclusive)
        self.journal = Journal(environment.secrets(), PROCESS)
        with ExitStack() as closing:
            self._connect(closing, confirmed, history, budget)
            self._closing = closing.pop_all()

    def _connect(self, closing: ExitStack, confirmed: bool, history: Path | None, shared: Budget | None) -> None:
        """Connect everything. If something fails, ``closing`` closes what was connected before."""
        environment, ledger, reports = self.environment, self.ledger, self.reports
        policy = SafetyPolicy.of(environment, confirmed)
        budget = shared or Budget(policy)
        ssh = SSHClient(environment.ssh, self.journal)
        client = closed_with(closing, FocusServerClient(environment.focus_server, self.journal, budget))
        load_client = LoadClient(environment.focus_server, self.journal, budget)
        self.cluster = Cluster.connected(environment, self.journal, self.changes, policy, ssh, closing)
        self.recordings = RecordingsRoom.connected(environment, self.journal, self.changes, policy, client, closing)
        self.product = Product.connected(environment, client, self.journal, self.changes, budget, self.cluster, closing)
        streams = stream_clients(environment, self.journal)
        streams.start()
        closing.callback(streams.stop)
        cluster, jobs = self.cluster.client, self.cluster.jobs
        self.register = register = Register(ledger, self.cluster.watch, cluster.clock, environment, self.neighbours)
        self.releases = Releases(cluster, jobs, streams, register, environment)
        asked = self._asked_load
        burst_client: BurstClient = load_client
        if asked is not None:
            burst_client = DistributedLoadClient(environment.focus_server, self.journal, budget, asked.testers)
        self.investigations = Investigations(
            client, burst_client, cluster, jobs, streams, register, self.releases, environment
        )
        self.clients = Clients(client, cluster, jobs, register)
        self.effects = Effects(self.cluster.client, self.cluster.jobs, environment, self.neighbours)
        self.infrastructure = Infrastructure.of(environment, self.journal, ssh, self.recordings.client, self.cluster)
        product = self.product
        self.resilience = Resilience.of(
            environment,
            client,
            self.investigations,
            self.effects,
            self.cluster,
            product,
            self.recordings,
            product.sandbox,
            self.infrastructure.broker_or_none,
            self.changes,
        )
        self.changes.undone_by(
            undoers(
                self.cluster.occupancy,
                self.recordings.index,
                product.fibre,
                product.server_configuration,
                product.server,
                self.resilience.outages,
            )
        )
        self.earlier = EarlierInvestigations(self.investigations, self.clients, jobs, self.recordings.index)
        self.capacity = CapacityRoom.of(
            environment,
            self.investigations,
            self.releases,
            load_client,
            client,
            self.cluster,
            budget,
            reports,
            history,
            self.recordings.quality.search,
            lambda: times_of("over recorded data", Source(self.recordings.index, None)),
            asked,
        )

    def requests_made(self) -> list[tuple[str, float]]:
        """Return the first line and the seconds of every request to the Focus Server, as its client sent them."""
        return self.journal.durations(FOCUS_SERVER)

    def close(self) -> None:
        self._closing.close()
