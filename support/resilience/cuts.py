"""Cutting MongoDB off with a NetworkPolicy. This needs no access to a node, only a cluster that enforces policies.

A policy that selects the pods of MongoDB and allows nothing blocks all clients, including this suite. The suite uses
that to check that the policy is in force before anything is judged.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from support import waits
from support.checks.matcher import judged
from support.clients.change_journal import Change, Changes
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.mongodb.client import MongoDBClient
from support.config import Environment
from support.investigations.occupancy import RUN_LABEL
from support.resilience.parts import MONGODB, Parts

CUT_OFF = "network_policy"
_ANSWERED_WITHIN_S = 0.5
"""A MongoDB that can be reached answers a greeting sooner. On a slower network path, a policy that is not enforced
would be taken for one in force, and the scenario fails later because its request is served."""


class Cuts:
    """Creates and removes the policy, one at a time. Needs the permission to disrupt."""

    def __init__(
        self,
        cluster: KubernetesClient,
        mongodb: MongoDBClient,
        parts: Parts,
        environment: Environment,
        changes: Changes,
    ) -> None:
        self._cluster, self._mongodb, self._parts = cluster, mongodb, parts
        self._environment = environment
        self._changes = changes

    def cut_mongodb_off(self) -> Change:
        """Cut MongoDB off and wait until the policy is in force. Raises :class:`AssertionError` if it is ignored."""
        name = f"focus-acceptance-cut-{secrets.token_hex(3)}"
        change = self._changes.begin(CUT_OFF, f"MongoDB is cut off by network policy {name}", name=name)
        self._cluster.create_network_policy(_nobody_reaches(name, self._parts.named(MONGODB).selector))
        waits.until(
            lambda: self._mongodb.answers(within_s=_ANSWERED_WITHIN_S),
            judged("nobody who reaches it", lambda reached: "MongoDB is reached all the same" if reached else None),
            within_s=self._environment.limits.deadline("pod_gone_s"),
            what=f"environment {self._environment.name} declares network_policies: {name} to be enforced",
        )
        return change

    def lift(self, undo: Mapping[str, Any]) -> None:
        """Remove the policy, and wait until MongoDB can be reached."""
        if undo["name"] in self._cluster.network_policies():
            self._remove(undo["name"])
        waits.until(
            self._cluster.network_policies,
            judged("no policy of this suite", lambda names: f"{undo['name']} stays" if undo["name"] in names else None),
            within_s=self._environment.limits.deadline("pod_gone_s"),
            what="the network policy to go",
        )
        waits.until(
            lambda: self._mongodb.probe(),
            judged("MongoDB, reached", lambda outcome: None if outcome.kind == "ok" else outcome.message),
            within_s=self._environment.limits.deadline("recovery_s"),
            what="MongoDB after the network policy is gone",
        )

    def _remove(self, name: str) -> None:
        try:
            self._cluster.delete_network_policy(name)
        except ClusterError as error:
            if not error.not_found:
                raise


def _nobody_reaches(name: str, selector: str) -> dict[str, Any]:
    labels = dict(part.split("=", 1) for part in selector.split(","))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "labels": {RUN_LABEL: "outage"}},
        "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"]},
    }
