"""``context.world.product``: Focus Server as its clients see it, and as a process."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from support.clients.change_journal import Changes
from support.clients.focus_server.client import FocusServerClient
from support.clients.journal import Journal
from support.clients.safety import Budget
from support.clients.sandbox.control import SandboxControl
from support.config import Environment
from support.product.fibre import Fibre
from support.product.information import Information
from support.product.metadata import Metadata
from support.product.rough_clients import RoughClients
from support.product.server_configuration import ServerConfiguration
from support.product.server_life import ServerLife
from support.world.closing import closed_with
from support.world.cluster import Cluster


@dataclass(frozen=True)
class Product:
    client: FocusServerClient
    sandbox: SandboxControl | None
    information: Information
    fibre: Fibre
    metadata: Metadata
    server: ServerLife
    server_configuration: ServerConfiguration
    rough_clients: RoughClients

    @classmethod
    def connected(
        cls,
        environment: Environment,
        client: FocusServerClient,
        journal: Journal,
        changes: Changes,
        budget: Budget,
        cluster: Cluster,
        closing: ExitStack,
    ) -> Product:
        control = environment.control
        switches = closed_with(closing, SandboxControl(control)) if control is not None else None
        configuration = ServerConfiguration(cluster.client, changes)
        server = ServerLife(client, cluster.client, configuration, environment, changes)
        return cls(
            client=client,
            sandbox=switches,
            information=Information(client),
            fibre=Fibre(client, switches, changes),
            metadata=Metadata(client, cluster.client, environment.limits),
            server=server,
            server_configuration=configuration,
            rough_clients=RoughClients(environment, journal, budget, server.asked_whether_alive),
        )
