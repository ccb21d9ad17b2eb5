"""``python -m environments.sandbox.node``: started by the supervisor."""

from __future__ import annotations

from environments.sandbox.node.process import NodeProcess
from environments.sandbox.shared.process import main

if __name__ == "__main__":
    main(NodeProcess)
