"""Clients that keep the jobs of this run alive by their streams, of the kind that the environment selects
(``stream_client``)."""

from __future__ import annotations

import importlib.util
from typing import Protocol

from support.clients.journal import Journal
from support.config import ConfigurationError, Environment
from support.investigations.streams import StreamClients


class StreamKeeper(Protocol):
    """Interface of stream clients: connect to stream ports as soon as they open, and stay until :meth:`leave`."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self, job_id: str, host: str, port: int, within_s: float) -> None:
        """Connect in the background, within ``within_s``. A port that never opens is for a scenario to judge."""

    def leave(self, job_id: str) -> None: ...

    def connected_since_s(self, job_id: str) -> float | None:
        """Return the time at which the port accepted the client (monotonic), or None if it has not yet."""

    def is_connected(self, job_id: str) -> bool:
        """Whether the client was accepted and the other side has not ended it since."""


def require_stream_client(environment: Environment) -> None:
    """Raise :class:`ConfigurationError` if the environment selects gRPC and this installation does not have it."""
    if environment.stream_client == "grpc" and importlib.util.find_spec("grpc") is None:
        raise ConfigurationError(
            "stream_client: grpc needs the package grpcio, which is not installed; allowed: make extras (python "
            "tools/setup.py extras), or tcp"
        )


def stream_clients(environment: Environment, journal: Journal) -> StreamKeeper:
    """Return the stream clients that the environment selects. Raises the errors of :func:`require_stream_client`."""
    require_stream_client(environment)
    if environment.stream_client == "tcp":
        return StreamClients()
    # The module needs an optional extra: each process imports it only if it is selected.
    from support.investigations.grpc_streams import GrpcStreamClients

    return GrpcStreamClients(environment.stream_method, journal)
