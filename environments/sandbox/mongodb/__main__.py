"""``python -m environments.sandbox.mongodb``."""

from collections.abc import Mapping
from typing import Any

from environments.sandbox.shared.process import SandboxProcess, main


def configured(config: Mapping[str, Any]) -> SandboxProcess:
    """The process of the server itself, or the one that forwards to an external server."""
    if "elsewhere" in config:
        from environments.sandbox.mongodb.forwarding import ForwardingProcess

        return ForwardingProcess(config)
    from environments.sandbox.mongodb.service import MongodbProcess

    return MongodbProcess(config)


main(configured)
