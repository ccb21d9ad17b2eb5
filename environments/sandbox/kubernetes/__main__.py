"""``python -m environments.sandbox.kubernetes``: started by the supervisor."""

from __future__ import annotations

from environments.sandbox.kubernetes.process import KubernetesProcess
from environments.sandbox.shared.process import main

if __name__ == "__main__":
    main(KubernetesProcess)
