"""Variables of the environment that the sandbox reads."""

from __future__ import annotations

MONGODB_VARIABLE = "SANDBOX_MONGODB_URI"
"""A MongoDB to use in place of the sandbox's own."""
KUBERNETES_VARIABLE = "SANDBOX_KUBECONFIG"
"""A kubeconfig: its cluster is used in place of the sandbox's own."""
