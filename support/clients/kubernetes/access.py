"""Access to the API server: its address, the credentials, and the route through a tunnel or a proxy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from kubernetes import config as kubernetes_config
from kubernetes.client.configuration import Configuration
from urllib3.util import make_headers, parse_url

from support.clients import tls
from support.clients.kubernetes.credentials import TokenError, TokenSource, usable
from support.clients.kubernetes.errors import ClusterError
from support.clients.kubernetes.exec_plugin import PluginError
from support.clients.kubernetes.kubeconfig import check_kubeconfig
from support.clients.settings import KubernetesSettings
from support.config.errors import ConfigurationError
from support.redaction import PROCESS

CONNECTIONS_KEPT = 16
_TOKEN = "BearerToken"

# The library's function has no type hints.
_load: Callable[..., None] = kubernetes_config.load_kube_config_from_dict


class Tunnel(Protocol):
    """A local port that leads to the API server."""

    @property
    def local_port(self) -> int: ...
    @property
    def failure(self) -> Exception | None: ...


def kubernetes_address(settings: KubernetesSettings) -> tuple[str, int]:
    """Return host and port of the API server, for a tunnel to it. Raises the errors of :func:`configuration_of`."""
    url = urlsplit(str(configuration_of(settings).host))
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


def configuration_of(settings: KubernetesSettings, hide: Callable[[str], None] = PROCESS.hide) -> Configuration:
    """Return the configuration of the official client. Each secret is passed to ``hide`` before it is used.

    Raises :class:`ConfigurationError` for settings, and files named by them, that cannot be used, and
    :class:`ClusterError` if neither a kubeconfig nor an address is set.
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
        configuration.api_key = {_TOKEN: _bearer(settings.token.get_secret_value(), hide)}
    if settings.ca_file is not None:
        configuration.ssl_ca_cert = str(settings.ca_file)
    if settings.tls_server_name is not None:
        configuration.tls_server_name = settings.tls_server_name
    trust = tls.ServerTrust.of(settings, "kubernetes")
    trust.context()
    configuration.verify_ssl = trust.checks_authority
    _go_through(configuration, proxy)
    configuration.retries = False
    configuration.keep_alive = True
    configuration.connection_pool_maxsize = CONNECTIONS_KEPT
    return configuration


def _from_kubeconfig(
    settings: KubernetesSettings, configuration: Configuration, hide: Callable[[str], None]
) -> str | None:
    """Let the library read the checked kubeconfig. Returns the proxy that it names."""
    path = settings.kubeconfig
    assert path is not None
    checked = check_kubeconfig(path, settings.context or None, hide)
    try:
        _load(checked.config, client_configuration=configuration, persist_config=False)
    # For content that the check does not cover: the library may raise any of these.
    except (kubernetes_config.ConfigException, OSError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(f"kubernetes.kubeconfig: {path} cannot be used: {type(error).__name__}") from error
    replaced = settings.ca_file is not None or settings.tls_fingerprint is not None
    if settings.verify_tls and not configuration.verify_ssl and not replaced:
        raise ConfigurationError(
            f"kubernetes.kubeconfig: {path}: insecure-skip-tls-verify switches the check of the certificate off, and "
            "the environment does not; allowed: a kubernetes.ca_file, a kubernetes.tls_fingerprint, or "
            "kubernetes.verify_tls: false"
        )
    # The library's hook would read the token of the kubeconfig only once, and run a plugin without a time limit.
    changed: Any = configuration
    changed.refresh_api_key_hook = None if checked.token is None else _renewing(checked.token)
    return checked.proxy


def _renewing(source: TokenSource) -> Callable[[Any], None]:
    """Return a hook that renews the token. The library calls it before each request."""

    def renew(configuration: Any) -> None:
        try:
            configuration.api_key[_TOKEN] = f"Bearer {source.token()}"
        except (PluginError, TokenError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise ClusterError("log in to the cluster", 0, f"the token cannot be renewed: its source {why}") from error

    return renew


def lead_through(configuration: Configuration, tunnel: Tunnel) -> None:
    """Send all requests through the tunnel, still expecting the certificate of the API server itself."""
    url = urlsplit(str(configuration.host))
    configuration.tls_server_name = configuration.tls_server_name or url.hostname
    configuration.host = f"{url.scheme}://127.0.0.1:{tunnel.local_port}{url.path}"
    _go_through(configuration, None)


def _go_through(configuration: Configuration, proxy: str | None) -> None:
    """Use only this proxy, and none from the environment of the process."""
    # The URL holds it percent-encoded; the library sends it unchanged.
    user = unquote(parse_url(proxy).auth or "") if proxy else None
    changed: Any = configuration  # the library declares the proxy as never None
    changed.proxy, changed.no_proxy = proxy, None
    changed.proxy_headers = make_headers(proxy_basic_auth=user) if user else None


def _bearer(token: str, hide: Callable[[str], None]) -> str:
    try:
        return f"Bearer {usable(token, hide)}"
    except TokenError as error:
        raise ConfigurationError(f"kubernetes.token: it {error}") from error
