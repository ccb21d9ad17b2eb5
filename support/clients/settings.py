"""The settings of an environment that the clients need. ``support.config`` provides objects of these shapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr


class FocusServerSettings(Protocol):
    """The address of the Focus Server, with its TLS settings and time-outs."""

    @property
    def base_url(self) -> str: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def verify_tls(self) -> bool: ...
    @property
    def tls_fingerprint(self) -> str | None: ...
    @property
    def connect_timeout_s(self) -> float: ...
    @property
    def read_timeout_s(self) -> float: ...


@dataclass(frozen=True)
class At:
    """The settings of ``server`` for another address: the suite's own server on loopback, without TLS."""

    base_url: str
    server: FocusServerSettings
    ca_file: Path | None = None
    verify_tls: bool = True
    tls_fingerprint: str | None = None

    @property
    def connect_timeout_s(self) -> float:
        return self.server.connect_timeout_s

    @property
    def read_timeout_s(self) -> float:
        return self.server.read_timeout_s


class KubernetesSettings(Protocol):
    """Access to the cluster: by kubeconfig, or by address and token."""

    @property
    def access(self) -> str: ...
    @property
    def kubeconfig(self) -> Path | None: ...
    @property
    def context(self) -> str | None: ...
    @property
    def api_server(self) -> str | None: ...
    @property
    def token(self) -> SecretStr | None: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def verify_tls(self) -> bool: ...
    @property
    def tls_fingerprint(self) -> str | None: ...
    @property
    def tls_server_name(self) -> str | None: ...
    @property
    def namespace(self) -> str: ...


class MongoDBSettings(Protocol):
    """The address of the database and the time-out for connecting to it."""

    @property
    def uri(self) -> SecretStr: ...
    @property
    def database(self) -> str: ...
    @property
    def connect_timeout_s(self) -> float: ...


class Host(Protocol):
    """One SSH login."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> SecretStr | None: ...
    @property
    def password_file(self) -> Path | None: ...
    @property
    def key_file(self) -> Path | None: ...


class SSHSettings(Protocol):
    """The target host and the jump host in front of it."""

    @property
    def jump(self) -> Host | None: ...
    @property
    def target(self) -> Host: ...
    @property
    def known_hosts(self) -> Path: ...


class BrokerSettings(Protocol):
    """The message broker's addresses for AMQP and for its management interface, and the login."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def management_port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> SecretStr: ...
    @property
    def vhost(self) -> str: ...
