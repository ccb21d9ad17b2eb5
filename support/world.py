"""Everything steps can call, in one typed object: ``context.world``."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from support.capacity.baselines import Baselines
from support.capacity.full_site import FullSite
from support.capacity.load_run import LoadRuns
from support.capacity.measuring import Capacity
from support.capacity.recovery import Probes
from support.capacity.reports import Reports
from support.capacity.self_check import GeneratorCheck
from support.checks.ambient import AmbientChecks
from support.clients.cluster_watch import ClusterWatch
from support.clients.focus_server import FocusServerClient
from support.clients.journal import Journal
from support.clients.kubernetes import KubernetesClient
from support.clients.kubernetes_tunnel import tunnel_to
from support.clients.load_client import LoadClient
from support.clients.mongodb import MongoDBClient
from support.clients.safety import SafetyPolicy
from support.clients.sandbox_control import SandboxControl
from support.clients.settings import At
from support.clients.ssh import SSHClient
from support.config import Environment
from support.data_quality.index import DataQuality
from support.diagnosis.access import AccessExamination
from support.diagnosis.cluster import ClusterExamination
from support.diagnosis.doctor import Doctor, layers_of
from support.diagnosis.mongodb import MongoDBExamination
from support.fibre import Fibre
from support.information import Information
from support.investigations.effects import Effects
from support.investigations.jobs import Jobs
from support.investigations.occupancy import Occupancy
from support.investigations.run_ledger import RunLedger
from support.investigations.service import Investigations
from support.investigations.streams import StreamClients
from support.latency import Latency
from support.metadata import Metadata
from support.recordings import Recordings
from support.rough_clients import RoughClients
from support.server_configuration import ServerConfiguration
from support.server_life import ServerLife
from support.stability import Stability


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


class World:
    """The clients and services of one run, connected to one environment. :meth:`close` ends them all."""

    def __init__(self, environment: Environment, ledger: RunLedger, reports: Reports, history: Path | None) -> None:
        self.environment = environment
        self.reports = reports
        self._history = history
        self.ledger = ledger
        self.limits = environment.limits
        self.run_id = secrets.token_hex(3)
        self.journal = Journal(environment.secrets())
        self._closing = ExitStack()
        safety = environment.safety
        policy = SafetyPolicy(environment.identity.name, safety.load, safety.disruptive, safety.writes_database)
        self.ssh = SSHClient(environment.ssh, self.journal)
        self.focus_server = self._closed(FocusServerClient(environment.focus_server, self.journal))
        self.load_client = LoadClient(environment.focus_server, self.journal, policy)
        self._policy = policy
        tunnel = tunnel_to(environment.kubernetes, self.ssh, self._closing)
        self.cluster = self._closed(KubernetesClient(environment.kubernetes, self.journal, policy, tunnel))
        self.mongodb = self._closed(MongoDBClient(environment.mongodb, self.journal, policy))
        control = environment.control
        self.control = self._closed(SandboxControl(control)) if control is not None else None
        self.watch = ClusterWatch(self.cluster).start()
        self._closing.callback(self.watch.stop)
        self._build_services()

    def _build_services(self) -> None:
        clients = StreamClients()
        clients.start()
        self._closing.callback(clients.stop)
        environment = self.environment
        self.jobs = Jobs(self.cluster, self.watch, environment)
        self.investigations = Investigations(
            self.focus_server, self.load_client, self.cluster, self.jobs, clients, environment, self.ledger
        )
        self.effects = Effects(self.cluster, self.jobs, environment)
        self._build_capacity()
        self.recordings = Recordings(self.mongodb, environment.mongodb.base_path)
        self.information = Information(self.focus_server)
        self.fibre = Fibre(self.focus_server, self.control)
        self.occupancy = Occupancy(self.cluster, environment, self.run_id)
        self.server_configuration = ServerConfiguration(self.cluster)
        self.server = ServerLife(self.focus_server, self.cluster, self.server_configuration, environment)
        self.rough_clients = RoughClients(environment, self.journal, self.server.asked_whether_alive)
        self.metadata = Metadata(self.focus_server, self.cluster, self.limits)
        self.index = MongoDBExamination(self.mongodb, environment)
        self.data_quality = DataQuality(self.mongodb, self.focus_server, environment)
        self.access = AccessExamination(self.ssh, environment, self.journal)
        self.orchestration = ClusterExamination(self.cluster, environment)
        self.doctor = Doctor(layers_of(self.index, self.access, lambda: self.orchestration))
        self.ambient = AmbientChecks(self.cluster, environment)

    def _build_capacity(self) -> None:
        environment, server = self.environment, self.environment.focus_server
        generator = GeneratorCheck(
            lambda url: LoadClient(At(url, server), Journal(), self._policy),
            lambda url: FocusServerClient(At(url, server), Journal()),
            environment.capacity.target_jobs,
            self.limits.configure_p95_ms,
            environment.capacity.generator_share,
        )
        loads = LoadRuns(self.investigations, self.cluster, self.jobs, environment)
        probes = Probes(self.investigations, environment)
        self.capacity = Capacity(loads, probes, generator, self.reports, environment)
        self.full_site = FullSite(self.investigations, self.cluster, self.jobs, environment)
        self.stability = Stability(self.investigations, self.cluster, environment)
        self.baselines = Baselines(self._history, environment.name, self.limits.configure_p95_ms)
        self.latency = Latency(
            self.focus_server, self.load_client, self.investigations, generator, self.baselines, environment
        )

    def _closed(self, part: T) -> T:
        """``part`` itself, closed together with this world."""
        self._closing.callback(part.close)
        return part

    def close(self) -> None:
        self._closing.close()
