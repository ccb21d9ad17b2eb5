"""``context.world.resilience``: outages, recovery, and what must survive."""

from __future__ import annotations

from dataclasses import dataclass

from support.clients.change_journal import Changes
from support.clients.focus_server.client import Answer, FocusServerClient
from support.clients.sandbox.control import SandboxControl
from support.config import Environment
from support.infrastructure.broker import BrokerExamination
from support.investigations.effects import Effects
from support.investigations.service import Investigations
from support.resilience.cuts import Cuts
from support.resilience.links import Links
from support.resilience.meanwhile import Meanwhile
from support.resilience.outages import Outages
from support.resilience.parts import MONGODB, RABBITMQ, SERVER, Parts
from support.resilience.recovery import OutageRecovery
from support.resilience.workloads import Workloads
from support.world.cluster import Cluster
from support.world.product import Product
from support.world.recordings import RecordingsRoom

_SOON_S = 0.3
"""A database that is available answers sooner."""


@dataclass(frozen=True)
class Resilience:
    outages: Outages
    workloads: Workloads
    recovery: OutageRecovery
    meanwhile: Meanwhile

    @classmethod
    def of(
        cls,
        environment: Environment,
        client: FocusServerClient,
        investigations: Investigations,
        effects: Effects,
        cluster: Cluster,
        product: Product,
        recordings: RecordingsRoom,
        control: SandboxControl | None,
        broker: BrokerExamination | None,
        changes: Changes,
    ) -> Resilience:
        parts = Parts(cluster.client, environment)
        answers = {
            MONGODB: lambda: recordings.client.answers(within_s=_SOON_S),
            RABBITMQ: lambda: broker is not None and broker.log_in().kind == "ok",
            SERVER: lambda: isinstance(product.server.asked_whether_alive(), Answer),
        }
        workloads = Workloads(cluster.client, parts, answers, environment, changes)
        cuts = Cuts(cluster.client, recordings.client, parts, environment, changes)
        recovery = OutageRecovery(investigations, client, product.server, recordings.client, environment)
        links = Links(control, changes)
        outages = Outages(parts, workloads, cuts, links, recovery, cluster.ambient, changes)
        return cls(
            outages=outages,
            workloads=workloads,
            recovery=recovery,
            meanwhile=Meanwhile(investigations, effects, cluster.jobs, client, product.server, outages, environment),
        )
