"""Where the API server is, who we are to it, and the way through a tunnel or a proxy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml
from kubernetes import config as kubernetes_config
from kubernetes.client.configuration import Configuration
from urllib3.util import make_headers, parse_url

from support.clients import tls
from support.clients.kubernetes.errors import ClusterError
from support.clients.kubernetes.kubeconfig import check_kubeconfig
from support.clients.settings import KubernetesSettings
from support.config.errors import ConfigurationError

CONNECTIONS_KEPT = 16
_TOKEN_KEYS = ("authorization", "BearerToken")

# The library's function has no type hints.
_load_kube_config: Callable[..., None] = kubernetes_config.load_kube_config


class Tunnel(Protocol):
    """A local port that leads to the API server."""

    @property
    def local_port(self) -> int: ...
    @property
    def failure(self) -> Exception | None: ...


def kubernetes_address(settings: KubernetesSettings) -> tuple[str, int]:
    """Host and port of the API server, for a tunnel to it. Raises as :func:`configuration_of`."""
    url = urlsplit(str(configuration_of(settings).host))
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


def configuration_of(settings: KubernetesSettings, hide: Callable[[str], None] = lambda secret: None) -> Configuration:
    """What the official client needs to know; ``hide`` is told each secret before anything is done with it.

    Raises :class:`ConfigurationError` for what cannot be used of the settings and of the files they name.
    """
    configuration = Configuration()
    proxy: str | None = None
    if settings.kubeconfig is not None:
        proxy = _from_kubeconfig(settings, configuration, hide)
    elif not settings.api_server:
        raise ClusterError("reach the cluster", 0, "neither kubernetes.kubeconfig nor kubernetes.api_server is set")
    if settings.api_server:
        configuration.host = settings.api_server.rstrip("/")
    if settings.token is not None:
        configuration.refresh_api_key_hook = None
        configuration.api_key = {"authorization": f"Bearer {settings.token.get_secret_value()}"}
    if settings.ca_file is not None:
        configuration.ssl_ca_cert = str(settings.ca_file)
    if settings.tls_server_name is not None:
        configuration.tls_server_name = settings.tls_server_name
    trust = tls.ServerTrust.of(settings, "kubernetes")
    trust.context()
    configuration.verify_ssl = trust.checks_authority
    _stay_at(configuration, str(configuration.host), proxy, hide)
    configuration.retries = False
    configuration.keep_alive = True
    configuration.connection_pool_maxsize = CONNECTIONS_KEPT
    return configuration


def _from_kubeconfig(
    settings: KubernetesSettings, configuration: Configuration, hide: Callable[[str], None]
) -> str | None:
    """Let the library read the kubeconfig, after it was checked; the proxy it names."""
    path, context = settings.kubeconfig, settings.context or None
    assert path is not None
    checked = check_kubeconfig(path, context, hide)
    try:
        _load_kube_config(
            config_file=str(path), context=context, client_configuration=configuration, persist_config=False
        )
    # What the check does not know: the library meets wrong content with any of these.
    except (kubernetes_config.ConfigException, yaml.YAMLError, OSError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(f"kubernetes.kubeconfig: {path} cannot be used: {type(error).__name__}") from error
    replaced = settings.ca_file is not None or settings.tls_fingerprint is not None
    if settings.verify_tls and not configuration.verify_ssl and not replaced:
        raise ConfigurationError(
            f"kubernetes.kubeconfig: {path}: insecure-skip-tls-verify switches the check of the certificate off, and "
            "the environment does not; allowed: a kubernetes.ca_file, a kubernetes.tls_fingerprint, or "
            "kubernetes.verify_tls: false"
        )
    return checked.proxy


def lead_through(configuration: Configuration, tunnel: Tunnel) -> None:
    """Send everything into the tunnel, still expecting the certificate of the API server itself."""
    url = urlsplit(str(configuration.host))
    configuration.tls_server_name = configuration.tls_server_name or url.hostname
    _stay_at(configuration, f"{url.scheme}://127.0.0.1:{tunnel.local_port}{url.path}", None)


def _stay_at(
    configuration: Configuration,
    address: str,
    proxy: str | None,
    hide: Callable[[str], None] = lambda secret: None,
) -> None:
    """Use this address and this proxy, also after the library has read the kubeconfig again to renew a token."""
    # The library declares the hook as always None.
    changed: Any = configuration
    renew: Callable[[Configuration], None] | None = changed.refresh_api_key_hook
    user = parse_url(proxy).auth if proxy else None
    headers = make_headers(proxy_basic_auth=user) if user else None

    def settle(renewed: Any) -> None:
        _clean_tokens(renewed, hide)
        renewed.host = address
        renewed.proxy, renewed.proxy_headers, renewed.no_proxy = proxy, headers, None
        renewed.refresh_api_key_hook = stay

    def stay(renewed: Any) -> None:
        if renew is not None:
            renew(renewed)
        settle(renewed)

    settle(changed)


def _clean_tokens(configuration: Any, hide: Callable[[str], None]) -> None:
    """The library takes a token file as it is, with the line break at its end: no header may hold one."""
    for key in _TOKEN_KEYS:
        value = configuration.api_key.get(key)
        if not isinstance(value, str):
            continue
        token = value.removeprefix("Bearer ").strip()
        hide(token)
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError(
                "kubernetes: the token holds a control character, a blank or a letter that no header may hold; "
                "allowed: one line of printable ASCII characters"
            )
        configuration.api_key[key] = f"Bearer {token}"
