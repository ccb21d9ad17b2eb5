"""Functions that undo each kind of change this suite makes, at the end of a scenario and in a sweep after a kill."""

from __future__ import annotations

from support.clients.change_journal import Undo
from support.clients.focus_server.client import ConnectionFailed
from support.clients.kubernetes.client import ClusterError
from support.clients.mongodb.client import DatabaseError
from support.clients.safety import SafetyError
from support.clients.sandbox.control import ControlError
from support.investigations.occupancy import HOLDER_POD, HOLDER_SERVICE, QUOTA, Occupancy
from support.model.recordings import RECORDING, Recordings
from support.product.fibre import FIBRE, Fibre
from support.product.server_configuration import CONFIG_MAP_KEY, ServerConfiguration
from support.product.server_life import RESTART, SERVER_SETTINGS, ServerLife
from support.resilience.outages import Outages

PROBLEMS = (
    AssertionError,
    ClusterError,
    ConnectionFailed,
    ControlError,
    DatabaseError,
    LookupError,
    OSError,
    SafetyError,
)
"""Errors of a function that could not undo a change, or could not prove that it is undone."""


def undoers(
    occupancy: Occupancy,
    recordings: Recordings,
    fibre: Fibre,
    configuration: ServerConfiguration,
    server: ServerLife,
    outages: Outages,
) -> dict[str, Undo]:
    """Return the functions by kind of change. Each may be called for a change that was never made or is undone already,
    and verifies its result."""
    return {
        HOLDER_POD: occupancy.remove_pod,
        HOLDER_SERVICE: occupancy.remove_service,
        QUOTA: occupancy.remove_quota,
        RECORDING: recordings.remove,
        FIBRE: fibre.put_back,
        CONFIG_MAP_KEY: configuration.put_back,
        SERVER_SETTINGS: server.put_back_settings,
        RESTART: server.recover,
        **outages.undoers(),
    }
