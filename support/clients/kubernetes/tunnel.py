"""The way to a cluster whose API port is closed to the tester: over the SSH target host (requirement IN-07)."""

from __future__ import annotations

from contextlib import ExitStack

from support.clients.kubernetes.api import kubernetes_address
from support.clients.settings import KubernetesSettings
from support.clients.ssh.client import SSHClient
from support.clients.ssh.port_forward import LocalForward


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
