"""What a kubelet says of a node that is well."""

from __future__ import annotations

HEALTHY = {
    "MemoryPressure": "kubelet has sufficient memory available",
    "DiskPressure": "kubelet has no disk pressure",
    "PIDPressure": "kubelet has sufficient PID available",
}
"""Condition -> message; the status of each is False."""
