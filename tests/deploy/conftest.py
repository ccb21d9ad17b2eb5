from __future__ import annotations

from tests.sandbox.kubernetes_api.conftest import api, home, http, kubeconfig, kubectl, server

__all__ = ["api", "home", "http", "kubeconfig", "kubectl", "server"]
