"""The faults of this Focus Server. Each is one function at one hook point and breaks a requirement."""

from environments.sandbox.focus_server import hooks
from environments.sandbox.focus_server.faults import (  # noqa: F401  # imported, they register themselves
    answers,
    clients,
    leftovers,
    loads,
    objects,
    opening,
    outages,
    recordings,
    refusals,
    requests,
    room,
    starting,
    telling,
)

FAULT_IDS = frozenset(hooks.registered())
"""The ids of all faults that this process implements."""
