"""The check for an installed broker."""

from __future__ import annotations

from pathlib import Path

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The start script of Debian's package rabbitmq-server. The one in the search path requires its own user."""


def is_installed() -> bool:
    return SERVER.is_file()
