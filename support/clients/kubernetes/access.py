"""Where the API server is, who we are to it, and the way through a tunnel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml
from kubernetes import config as kubernetes_config
from kubernetes.client.configuration import Configuration

from support.clients.kubernetes.errors import ClusterError
from support.clients.settings import KubernetesSettings

CONNECTIONS_KEPT = 16

# The library's function has no type hints.
_load_kube_config: Callable[..., None] = kubernetes_config.load_kube_config


class Tunnel(Protocol):
    """A local port that leads to the API server."""

    @property
    def local_port(self) -> int: ...


def kubernetes_address(settings: KubernetesSettings) -> tuple[str, int]:
    """Host and port of the API server, for a tunnel to it. Raises :class:`ClusterError`."""
    url = urlsplit(str(configuration_of(settings).host))
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


def configuration_of(settings: KubernetesSettings) -> Configuration:
    """What the official client needs to know. Raises :class:`ClusterError`."""
    configuration = Configuration()
    if settings.kubeconfig is not None:
        try:
            _load_kube_config(
                config_file=str(settings.kubeconfig),
                context=settings.context or None,
                client_configuration=configuration,
                persist_config=False,
            )
        except (kubernetes_config.ConfigException, yaml.YAMLError, OSError) as error:
            raise ClusterError(f"read the kubeconfig {settings.kubeconfig}", 0, str(error)) from error
    elif not settings.api_server:
        raise ClusterError("reach the cluster", 0, "neither kubernetes.kubeconfig nor kubernetes.api_server is set")
    if settings.api_server:
        configuration.host = settings.api_server.rstrip("/")
    if settings.token is not None:
        configuration.refresh_api_key_hook = None
        configuration.api_key = {"authorization": f"Bearer {settings.token.get_secret_value()}"}
    configuration.verify_ssl = settings.verify_tls and configuration.verify_ssl
    _stay_at(configuration, str(configuration.host))
    configuration.retries = False
    configuration.keep_alive = True
    configuration.connection_pool_maxsize = CONNECTIONS_KEPT
    return configuration


def lead_through(configuration: Configuration, tunnel: Tunnel) -> None:
    """Send everything into the tunnel, still expecting the certificate of the API server itself."""
    url = urlsplit(str(configuration.host))
    configuration.tls_server_name = configuration.tls_server_name or url.hostname
    _stay_at(configuration, f"{url.scheme}://127.0.0.1:{tunnel.local_port}{url.path}")


def _stay_at(configuration: Configuration, address: str) -> None:
    """Use this address and no proxy, also after the library has read the kubeconfig again to renew a token."""
    # The library declares the hook as always None.
    changed: Any = configuration
    renew: Callable[[Configuration], None] | None = changed.refresh_api_key_hook

    def stay(renewed: Any) -> None:
        if renew is not None:
            renew(renewed)
        renewed.host = address
        renewed.proxy = None
        renewed.refresh_api_key_hook = stay

    changed.host = address
    changed.proxy = None
    changed.refresh_api_key_hook = stay
