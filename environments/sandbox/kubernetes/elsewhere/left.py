"""What killed sandboxes have left on a cluster that is not ours, removed when somebody asks for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from environments.sandbox.kubernetes.elsewhere.access import read_access
from environments.sandbox.kubernetes.elsewhere.claim import answering, remove_abandoned


async def remove_left(kubeconfig: Path) -> list[str]:
    """The names of the namespaces that were removed. Raises as :func:`~.claim.claim`."""
    with tempfile.TemporaryDirectory(prefix="focus-sandbox-") as folder:
        async with answering(read_access(kubeconfig, Path(folder))) as client:
            return await remove_abandoned(client)
