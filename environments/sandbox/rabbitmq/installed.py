"""Whether this machine has a broker."""

from __future__ import annotations

from pathlib import Path

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Where Debian's package rabbitmq-server has its start script; the one in the search path wants a user of its own."""


def is_installed() -> bool:
    return SERVER.is_file()
