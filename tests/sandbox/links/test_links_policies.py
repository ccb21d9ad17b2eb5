"""NetworkPolicy objects close links as in a cluster: packets are lost, and neither end is notified."""

from __future__ import annotations

from typing import Any

import pytest

from environments.sandbox.links.policies import PolicyRules
from tests.sandbox.links.links_harness import Links, receive
from tests.sandbox.process_runner import ProcessFailed

MONGODB = {"matchLabels": {"app.kubernetes.io/instance": "mongodb"}}
FOCUS_SERVER = {"matchLabels": {"app.kubernetes.io/name": "panda-panda-focus-server"}}


def policy(selector: Any = None, namespace: str = "panda", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": namespace}, "spec": {"podSelector": selector or MONGODB, **spec}}


def test_a_deny_policy_makes_new_connections_hang_and_open_ones_stall_until_it_goes(links: Links) -> None:
    with links.connect(timeout_s=0.3) as connection:
        connection.sendall(b"before")
        assert receive(connection, 6) == b"before"
        answer = links.process.request("policies", {"policies": [policy(policyTypes=["Ingress"])]})
        assert answer == {"dropping": ["mongodb"]}
        with pytest.raises(TimeoutError):
            links.connect(timeout_s=0.3)
        connection.sendall(b"during")
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert links.process.request("policies", {"policies": []}) == {"dropping": []}
        assert receive(connection, 6) == b"during"
    with links.connect() as connection:
        connection.sendall(b"after")
        assert receive(connection, 5) == b"after"
    assert links.process.request("state")["proxies"]["mongodb"]["dropping"] is False


def test_a_disabled_link_still_refuses_under_a_policy_and_drops_when_enabled(links: Links) -> None:
    links.call("PATCH", "/proxies/mongodb", {"enabled": False})
    links.process.request("policies", {"policies": [policy(policyTypes=["Ingress"])]})
    with pytest.raises(ConnectionRefusedError):
        links.connect()
    links.call("PATCH", "/proxies/mongodb", {"enabled": True})
    with pytest.raises(TimeoutError):
        links.connect(timeout_s=0.3)
    links.process.request("reset")
    links.connect().close()


def test_a_policy_that_cannot_be_enforced_is_refused(links: Links) -> None:
    strange = policy({"matchExpressions": [{"key": "a", "operator": "Near"}]}, policyTypes=["Ingress"])
    with pytest.raises(ProcessFailed, match="operator 'Near' is not known"):
        links.process.request("policies", {"policies": [strange]})


@pytest.mark.parametrize(
    ("spec", "from_focus_server", "from_client"),
    [
        (policy(policyTypes=["Ingress"]), True, True),
        (policy(), True, True),
        (policy(ingress=[{}]), False, False),
        (policy(ingress=[{"from": [{"podSelector": FOCUS_SERVER}]}]), False, True),
        (policy(ingress=[{"from": [{"podSelector": {}}]}]), False, True),
        (policy(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"x": "y"}}}]}]), True, True),
        (policy(ingress=[{"from": [{"ipBlock": {"cidr": "127.0.0.0/8"}}]}]), True, False),
        (policy(ingress=[{"from": [{"ipBlock": {"cidr": "127.0.0.0/8", "except": ["127.0.0.1/32"]}}]}]), True, True),
        (policy(ingress=[{"ports": [{"port": 27017}]}]), False, False),
        (policy(ingress=[{"ports": [{"port": "mongodb", "protocol": "TCP"}]}]), False, False),
        (policy(ingress=[{"ports": [{"port": 27017, "protocol": "UDP"}]}]), True, True),
        (policy(ingress=[{"ports": [{"port": 27000, "endPort": 27010}]}]), True, True),
        (policy({"matchLabels": {"app.kubernetes.io/instance": "rabbitmq-panda"}}), False, False),
        (policy({"matchExpressions": [{"key": "app.kubernetes.io/instance", "operator": "Exists"}]}), True, True),
        (policy(policyTypes=["Egress"]), False, False),
        (policy(FOCUS_SERVER, policyTypes=["Egress"]), True, False),
        (policy(namespace="default"), False, False),
    ],
)
def test_who_is_cut_off_from_mongodb(spec: Any, from_focus_server: bool, from_client: bool) -> None:
    rules = PolicyRules("panda", [spec])
    assert rules.drops("mongodb", "focus-server") is from_focus_server
    assert rules.drops("mongodb", "client") is from_client


def test_what_is_not_a_pod_is_never_selected() -> None:
    rules = PolicyRules("panda", [{"metadata": {}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}])
    assert rules.drops("mongodb", "client")
    assert not rules.drops("kubernetes", "focus-server")


def test_unknown_operators_are_named() -> None:
    with pytest.raises(ValueError, match="Near"):
        PolicyRules("panda", [policy({"matchExpressions": [{"key": "a", "operator": "Near"}]})])
