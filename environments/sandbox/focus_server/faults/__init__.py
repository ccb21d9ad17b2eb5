"""Every way this Focus Server can be made to break a requirement: one function at one hook point for each."""

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
"""All ids this process implements."""
