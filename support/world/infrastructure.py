"""``context.world.infrastructure``: the infrastructure below the product, layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from support.clients.amqp.client import BrokerClient
from support.clients.journal import Journal
from support.clients.mongodb.client import MongoDBClient
from support.clients.ssh.client import SSHClient
from support.config import Environment
from support.infrastructure.access import AccessExamination
from support.infrastructure.broker import BrokerExamination
from support.infrastructure.cluster import ClusterExamination
from support.infrastructure.doctor import Doctor, layers_of
from support.infrastructure.mongodb import MongoDBExamination
from support.world.cluster import Cluster

NEEDS_BROKER = "needs_rabbitmq"


@dataclass(frozen=True)
class Infrastructure:
    mongodb: MongoDBExamination
    access: AccessExamination
    orchestration: ClusterExamination
    doctor: Doctor
    broker_or_none: BrokerExamination | None

    @property
    def broker(self) -> BrokerExamination:
        """The message broker. Raises AssertionError if the environment has none; it must not be used then."""
        assert self.broker_or_none is not None, "the environment has no message broker"
        return self.broker_or_none

    def announce(self, tags: Iterable[Collection[str]]) -> None:
        """Announce services that start with their first client, as in a sandbox, if these scenarios need them."""
        if self.broker_or_none is not None and any(NEEDS_BROKER in of_one for of_one in tags):
            self.broker_or_none.announce()

    @classmethod
    def of(
        cls, environment: Environment, journal: Journal, ssh: SSHClient, mongodb: MongoDBClient, cluster: Cluster
    ) -> Infrastructure:
        index = MongoDBExamination(mongodb, environment)
        access = AccessExamination(ssh, environment, journal)
        orchestration = ClusterExamination(cluster.client, environment)
        broker = None
        if environment.rabbitmq is not None:
            broker = BrokerExamination(BrokerClient(environment.rabbitmq, journal), environment)
        return cls(
            index, access, orchestration, Doctor(layers_of(index, access, lambda: orchestration, environment)), broker
        )
