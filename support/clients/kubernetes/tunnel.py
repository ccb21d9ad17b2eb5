"""The way to a cluster whose API port is closed to the tester: over the SSH target host (requirement IN-07)."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from support.clients.kubernetes.api import kubernetes_address
from support.clients.settings import KubernetesSettings
from support.clients.ssh.client import SSHClient
from support.clients.ssh.port_forward import LocalForward

_PATIENCE_S = 1.0


def port_closed_to_us(settings: KubernetesSettings) -> str | None:
    """Why the API is reached over a tunnel: its own port does not let this machine in. None where it does, or where it
    is used anyway. Nothing is decided by it."""
    if settings.access == "direct":
        return None
    host, port = kubernetes_address(settings)
    try:
        socket.create_connection((host, port), _PATIENCE_S).close()
    except OSError as error:
        why = error.strerror or str(error)
        return f"port {port} of the Kubernetes API does not let this machine in ({why}); it is reached over a tunnel"
    return None


def tunnel_to(settings: KubernetesSettings, ssh: SSHClient, closing: ExitStack) -> LocalForward | None:
    """A forwarded port to the API where the environment says so, closed with ``closing``; None for direct access.

    Raises :class:`~support.clients.ssh.errors.SSHError` when the target host is not reached.
    """
    if settings.access == "direct":
        return None
    host, port = kubernetes_address(settings)
    session = ssh.connect_target()
    closing.callback(session.close)
    forward = LocalForward(session, host, port)
    closing.callback(forward.close)
    return forward
