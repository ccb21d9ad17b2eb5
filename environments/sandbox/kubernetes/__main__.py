"""``python -m environments.sandbox.kubernetes``."""

from collections.abc import Mapping
from typing import Any

from environments.sandbox.shared.process import SandboxProcess, main


def configured(config: Mapping[str, Any]) -> SandboxProcess:
    """The cluster itself, or what keeps a namespace on another one."""
    if "access" in config:
        from environments.sandbox.kubernetes.elsewhere.process import BorrowedProcess

        return BorrowedProcess(config)
    from environments.sandbox.kubernetes.process import KubernetesProcess

    return KubernetesProcess(config)


main(configured)
