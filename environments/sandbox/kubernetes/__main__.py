"""``python -m environments.sandbox.kubernetes``."""

from collections.abc import Mapping
from typing import Any

from environments.sandbox.shared.process import SandboxProcess, main


def configured(config: Mapping[str, Any]) -> SandboxProcess:
    """Return the process of the sandbox's own cluster or, given ``access``, of a namespace on another cluster."""
    if "access" in config:
        from environments.sandbox.kubernetes.elsewhere.process import BorrowedProcess

        return BorrowedProcess(config)
    from environments.sandbox.kubernetes.process import KubernetesProcess

    return KubernetesProcess(config)


main(configured)
