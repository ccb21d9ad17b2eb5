"""The faults that the SSH hosts implement."""

from __future__ import annotations

FAULT_IDS = frozenset(
    {
        "ssh-jump-login-refused",
        "ssh-jump-forwarding-forbidden",
        "ssh-target-host-key-changed",
        "ssh-target-login-refused",
        "ssh-commands-write-errors",
        "ssh-kubectl-missing",
        "ssh-k9s-missing",
        "ssh-slow-login",
        "ssh-sessions-stay-open",
    }
)
