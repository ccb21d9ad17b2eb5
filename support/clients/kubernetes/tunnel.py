"""The tunnel over the SSH target host to a cluster whose API port is closed to the tester (requirement IN-07)."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from support.clients.kubernetes.api import kubernetes_address
from support.clients.settings import KubernetesSettings
from support.clients.ssh.client import SSHClient
from support.clients.ssh.port_forward import LocalForward

_PATIENCE_S = 1.0
_LOOK_S = 5.0
"""Windows tries a closed port three times, which takes two seconds."""


class StillListening(AssertionError):
    """A tunnel was closed, but its port is still open: any connection to it would reach the site."""


def port_closed_to_us(settings: KubernetesSettings) -> str | None:
    """Return why the API is reached over a tunnel: its own port does not let this machine in.

    Returns None if the port is open to this machine, and for direct access. The result is for information only.
    """
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
    """Open a forwarded port to the API if the environment requires it; returns None for direct access.

    ``closing`` closes the port and checks that it is closed; if it is not, it raises :class:`StillListening`. Raises
    :class:`~support.clients.ssh.errors.SSHError` if the target host is not reached.
    """
    if settings.access == "direct":
        return None
    host, port = kubernetes_address(settings)
    session = ssh.keep_target(f"tunnel to {host}:{port}")
    closing.callback(session.close)
    forward = LocalForward(session, host, port)
    closing.callback(_require_closed, forward.local_port, f"{host}:{port}")
    closing.callback(forward.close)
    return forward


def _require_closed(port: int, leads_to: str) -> None:
    try:
        socket.create_connection(("127.0.0.1", port), _LOOK_S).close()
    except OSError:
        return
    raise StillListening(f"the tunnel to {leads_to} was closed and still listens on 127.0.0.1:{port}")
