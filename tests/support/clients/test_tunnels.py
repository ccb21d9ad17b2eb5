"""The tunnel to a cluster over an SSH host: whom it trusts at the far end, what it survives, and its end."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from client_doubles import KubernetesAt, Reply, http_server
from ssh_estate import Estate, running_estate, wait_until
from test_trust import server

from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.kubernetes.tunnel import StillListening, tunnel_to
from support.clients.safety import SafetyPolicy
from support.clients.ssh.client import SSHClient
from support.clients.ssh.port_forward import LocalForward

NAME = "kubernetes.cluster.example"
AUTHORITY = trustme.CA()
tunnels: list[LocalForward] = []
"""The tunnels of :func:`connected`, the newest last."""


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with running_estate(tmp_path_factory.mktemp("ssh")) as made:
        yield made


@contextmanager
def connected(estate: Estate, settings: KubernetesAt, journal: Journal | None = None) -> Iterator[KubernetesClient]:
    journal = journal or Journal()
    with ExitStack() as closing:
        tunnel = tunnel_to(settings, SSHClient(estate.settings(), journal), closing)
        client = KubernetesClient(settings, journal, SafetyPolicy("site"), tunnel)
        tunnels.extend([tunnel] if tunnel is not None else [])
        closing.callback(client.close)
        yield client


def lose_the_connection(estate: Estate, tunnel: LocalForward) -> None:
    """Break the connection, and wait until this side has noticed: data sent before that would be lost."""
    estate.drop()
    wait_until(lambda: estate.jump_connections == 0 and not tunnel._open)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[KubernetesAt]:
    """A server whose certificate has the name of a cluster and no address, and settings that lead to it."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with server(AUTHORITY.issue_cert(NAME).configure_cert) as url:
        yield KubernetesAt(url, access="ssh_tunnel", ca_file=tmp_path / "ca.pem", tls_server_name=NAME)


def of(settings: KubernetesAt, **changed: Any) -> KubernetesAt:
    return KubernetesAt(**{**vars(settings), **changed})


def test_the_cluster_is_verified_by_its_own_name_although_the_address_is_loopback(
    estate: Estate, api: KubernetesAt
) -> None:
    with connected(estate, api) as cluster:
        assert cluster.version() == "v1.34.1"


def test_the_name_in_the_kubeconfig_is_taken_and_the_environment_goes_before_it(
    estate: Estate, api: KubernetesAt, tmp_path: Path
) -> None:
    def settings(name: str, **more: Any) -> KubernetesAt:
        cluster = {"server": api.api_server, "tls-server-name": name, "certificate-authority": str(api.ca_file)}
        content = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content))
        return of(
            api,
            api_server=None,
            token=None,
            ca_file=None,
            tls_server_name=None,
            kubeconfig=tmp_path / "kubeconfig",
            **more,
        )

    with connected(estate, settings(NAME)) as cluster:
        assert cluster.version() == "v1.34.1"
    with connected(estate, settings("other.example")) as cluster, pytest.raises(ClusterError, match="'other.example'"):
        cluster.version()
    replaced = of(settings("other.example"), tls_server_name=NAME)
    with connected(estate, replaced) as cluster:
        assert cluster.version() == "v1.34.1"


@pytest.mark.parametrize(("name", "tried"), [("other.example", "other.example"), (None, "127.0.0.1")])
def test_a_wrong_name_is_one_sentence_with_those_of_the_certificate(
    estate: Estate, api: KubernetesAt, name: str | None, tried: str
) -> None:
    with connected(estate, of(api, tls_server_name=name)) as cluster, pytest.raises(ClusterError) as raised:
        cluster.version()
    assert str(raised.value).endswith(
        f"kubernetes.tls_server_name: hostname mismatch, '{tried}' is not a name of the certificate that answers; "
        f"allowed: {NAME}"
    )
    assert "\n" not in str(raised.value)


def test_a_certificate_of_somebody_else_is_refused(estate: Estate, api: KubernetesAt, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with (
        connected(estate, of(api, ca_file=tmp_path / "other.pem")) as cluster,
        pytest.raises(ClusterError, match="certificate verify failed"),
    ):
        cluster.version()


def test_a_tunnel_is_made_again_when_the_connection_under_it_was_lost(estate: Estate) -> None:
    journal = Journal()
    with http_server(lambda received: Reply.json({"gitVersion": "v1.34.1"})) as api:
        with connected(estate, KubernetesAt(api.url, access="ssh_tunnel"), journal) as cluster:
            assert cluster.version() == "v1.34.1"
            assert "was lost" not in journal.text()
            for times in (1, 2):
                lose_the_connection(estate, tunnels[-1])
                assert cluster.version() == "v1.34.1"
                told = f"tunnel to 127.0.0.1:{api.port}\n  < the SSH connection was lost"
                assert journal.text().count(told) == times
        wait_until(lambda: estate.jump_connections == 0)


def test_a_tunnel_that_cannot_be_made_again_says_why(estate: Estate) -> None:
    with (
        http_server(lambda received: Reply.json({"gitVersion": "v1.34.1"})) as api,
        connected(estate, KubernetesAt(api.url, access="ssh_tunnel")) as cluster,
    ):
        estate.refuse_forwards = True
        try:
            lose_the_connection(estate, tunnels[-1])
            with pytest.raises(ClusterError, match=r"; the tunnel: .* did not forward to target.example:22"):
                cluster.version()
        finally:
            estate.refuse_forwards = False
        assert cluster.version() == "v1.34.1"


def test_a_tunnel_listens_on_loopback_only_and_not_after_its_end(estate: Estate) -> None:
    with ExitStack() as closing:
        settings = KubernetesAt("http://127.0.0.1:1", access="ssh_tunnel")
        tunnel = tunnel_to(settings, SSHClient(estate.settings(), Journal()), closing)
        assert tunnel is not None
        port = tunnel.local_port
        assert tunnel._listener.getsockname() == ("127.0.0.1", port)
        socket.create_connection(("127.0.0.1", port), 2).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 2)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 2)


def test_a_tunnel_that_goes_on_listening_is_found(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[LocalForward] = []
    close = LocalForward.close
    monkeypatch.setattr(LocalForward, "close", left.append)
    try:
        with pytest.raises(StillListening) as raised, ExitStack() as closing:
            tunnel_to(
                KubernetesAt("http://127.0.0.1:1", access="ssh_tunnel"),
                SSHClient(estate.settings(), Journal()),
                closing,
            )
    finally:
        for one in left:
            close(one)
    told = r"the tunnel to 127\.0\.0\.1:1 was closed and still listens on 127\.0\.0\.1:\d+"
    assert re.fullmatch(told, str(raised.value))
    wait_until(lambda: estate.jump_connections == 0)
