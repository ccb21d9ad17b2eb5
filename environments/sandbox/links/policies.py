"""NetworkPolicy objects and the links they close.

The rules are those of Kubernetes: a pod that no policy selects for a direction is open. A pod that is selected is
closed except for traffic that a rule of the selecting policies allows. Traffic passes if the sender's egress and the
receiver's ingress both allow it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from environments.sandbox.shared.selectors import selector_matches

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Peer:
    """One end of a link. ``labels`` is ``None`` if it is not a pod: policies then match it only by its ``address``."""

    labels: Labels | None = None
    address: str = "127.0.0.1"
    port: int = 0
    port_name: str = ""


PEERS: Mapping[str, Peer] = {
    "mongodb": Peer(
        {"app.kubernetes.io/instance": "mongodb", "app.kubernetes.io/name": "mongodb"}, port=27017, port_name="mongodb"
    ),
    "focus-server": Peer({
        "app.kubernetes.io/instance": "panda", "app.kubernetes.io/name": "panda-panda-focus-server"
    }),
    "kubernetes": Peer(port=6443, port_name="https"),
    "client": Peer(),
}  # fmt: skip


class PolicyRules:
    """The NetworkPolicy objects of one namespace. All workloads of the links are in this namespace."""

    def __init__(self, namespace: str, policies: Sequence[Mapping[str, Any]] = ()) -> None:
        self._namespace = namespace
        self._specs = [
            policy["spec"] for policy in policies if policy["metadata"].get("namespace", namespace) == namespace
        ]
        for workload in PEERS:  # raises right here if a policy cannot be enforced
            for source in PEERS:
                self.drops(workload, source)

    def drops(self, workload: str | None, source: str | None) -> bool:
        """Whether packets from ``source`` to ``workload`` are dropped. ``None`` is an end outside the cluster."""
        receiver, sender = PEERS[workload or "client"], PEERS[source or "client"]
        return not (
            self._allows("Ingress", receiver, sender, receiver) and self._allows("Egress", sender, receiver, receiver)
        )

    def _allows(self, direction: str, selected: Peer, other: Peer, receiver: Peer) -> bool:
        if selected.labels is None:
            return True
        field, peers = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
        specs = [
            spec
            for spec in self._specs
            if direction in _policy_types(spec) and selector_matches(spec.get("podSelector", {}), selected.labels)
        ]
        rules = [rule for spec in specs for rule in spec.get(field) or ()]
        return not specs or any(
            self._peer_matches(rule.get(peers), other) and _port_matches(rule.get("ports"), receiver) for rule in rules
        )

    def _peer_matches(self, wanted: Sequence[Mapping[str, Any]] | None, peer: Peer) -> bool:
        return not wanted or any(self._one_matches(entry, peer) for entry in wanted)

    def _one_matches(self, entry: Mapping[str, Any], peer: Peer) -> bool:
        if "ipBlock" in entry:
            block, address = entry["ipBlock"], ipaddress.ip_address(peer.address)
            excluded = any(address in ipaddress.ip_network(cidr) for cidr in block.get("except", ()))
            return peer.labels is None and address in ipaddress.ip_network(block["cidr"]) and not excluded
        if peer.labels is None:
            return False
        namespace_labels = {"kubernetes.io/metadata.name": self._namespace}
        if "namespaceSelector" in entry and not selector_matches(entry["namespaceSelector"], namespace_labels):
            return False
        return selector_matches(entry.get("podSelector", {}), peer.labels)


def _policy_types(spec: Mapping[str, Any]) -> Sequence[str]:
    given: Sequence[str] = spec.get("policyTypes") or ()
    return given or (("Ingress", "Egress") if spec.get("egress") else ("Ingress",))


def _port_matches(wanted: Sequence[Mapping[str, Any]] | None, receiver: Peer) -> bool:
    return not wanted or any(_one_port_matches(entry, receiver) for entry in wanted)


def _one_port_matches(entry: Mapping[str, Any], receiver: Peer) -> bool:
    if entry.get("protocol", "TCP") != "TCP":
        return False
    port = entry.get("port")
    if port is None:
        return True
    if isinstance(port, str):
        return port == receiver.port_name
    return int(port) <= receiver.port <= int(entry.get("endPort", port))
