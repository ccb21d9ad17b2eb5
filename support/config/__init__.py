"""Environment files as validated settings: what a target is and what it may be used for.

:func:`load_environment` reads ``environments/NAME.yaml``, overlays a run file and ``FOCUS__SECTION__KEY`` variables,
and returns an :class:`Environment`, or raises :class:`ConfigurationError` with one sentence for each problem.
"""

from __future__ import annotations

from support.config.environment import Environment
from support.config.errors import ConfigurationError
from support.config.limits import Limits
from support.config.loading import available, load_environment
from support.config.models import (
    Capability,
    Capacity,
    DeclaredIssue,
    FocusServer,
    HostSettings,
    Identity,
    Kubernetes,
    MongoDB,
    RabbitMQ,
    Safety,
    Sandbox,
    Services,
    ServiceSettings,
    Ssh,
)

__all__ = [
    "Capability",
    "Capacity",
    "ConfigurationError",
    "Environment",
    "FocusServer",
    "HostSettings",
    "Identity",
    "DeclaredIssue",
    "Kubernetes",
    "Limits",
    "MongoDB",
    "RabbitMQ",
    "Safety",
    "Sandbox",
    "ServiceSettings",
    "Services",
    "Ssh",
    "available",
    "load_environment",
]
