"""Who keeps the jobs of this run: the clients of their streams, as the environment wants them (``stream_client``)."""

from __future__ import annotations

import importlib.util
from typing import Protocol

from support.clients.journal import Journal
from support.config import ConfigurationError, Environment
from support.investigations.streams import StreamClients


class StreamKeeper(Protocol):
    """Connects to stream ports as soon as they open, and stays until told to leave."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self, job_id: str, host: str, port: int, within_s: float) -> None:
        """Connect in the background, within ``within_s``; a port that never opens is for a scenario to judge."""

    def leave(self, job_id: str) -> None: ...

    def connected_since_s(self, job_id: str) -> float | None:
        """When its port accepted the client (monotonic), or None while it has not."""

    def is_connected(self, job_id: str) -> bool:
        """Whether the client was accepted and the other side has not ended it since."""


def require_stream_client(environment: Environment) -> None:
    """Raises :class:`ConfigurationError` where the environment wants gRPC and this installation does not have it."""
    if environment.stream_client == "grpc" and importlib.util.find_spec("grpc") is None:
        raise ConfigurationError(
            "stream_client: grpc needs the package grpcio, which is not installed; allowed: make extras (python "
            "tools/setup.py extras), or tcp"
        )


def stream_clients(environment: Environment, journal: Journal) -> StreamKeeper:
    """Raises as :func:`require_stream_client`."""
    require_stream_client(environment)
    if environment.stream_client == "tcp":
        return StreamClients()
    # An extra: loaded where it is asked for, and by every process for itself.
    from support.investigations.grpc_streams import GrpcStreamClients

    return GrpcStreamClients(environment.stream_method, journal)
