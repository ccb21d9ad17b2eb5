"""``python -m environments.sandbox.mongodb``."""

from collections.abc import Mapping
from typing import Any

from environments.sandbox.shared.process import SandboxProcess, main


def configured(config: Mapping[str, Any]) -> SandboxProcess:
    """The server itself, or what leads to another one."""
    if "elsewhere" in config:
        from environments.sandbox.mongodb.forwarding import ForwardingProcess

        return ForwardingProcess(config)
    from environments.sandbox.mongodb.service import MongodbProcess

    return MongodbProcess(config)


main(configured)
