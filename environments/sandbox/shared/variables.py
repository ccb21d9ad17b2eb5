"""Variables of the environment that the sandbox reads."""

from __future__ import annotations

MONGODB_VARIABLE = "SANDBOX_MONGODB_URI"
"""The URI of a MongoDB to use in place of the sandbox's own."""
KUBERNETES_VARIABLE = "SANDBOX_KUBECONFIG"
"""The path of a kubeconfig whose cluster is used in place of the sandbox's own."""
