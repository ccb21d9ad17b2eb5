"""The faults that the nodes implement."""

from __future__ import annotations

FAULT_IDS = frozenset(
    {
        "job-port-not-open",
        "job-crashes",
        "idle-jobs-are-kept",
        "finished-jobs-are-kept",
        "no-pod-logs",
        "focus-server-log-empty",
        "image-pull-refused",
        "pod-network-exhausted",
        "released-ports-stay-open",
        "node-ports-limited",
        "stream-clients-turned-away",
        "server-leaks-memory",
        "live-jobs-end-unconsumed",
    }
)
