"""Permission to use a cluster that is not the sandbox's own, and ownership of the namespaces created in it.

Such a cluster is used only with explicit permission: an annotation on ``kube-system`` or ``default``, or a flag. Each
namespace created there carries a label and records the process that created it, so that namespaces left by a killed
process can be recognized.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

OWNER_LABEL = "focus-acceptance/owner"
SLICES_GIVEN = "focus-acceptance/slices-given"
"""An annotation that lists the nodes that were given GPU slices together with the namespace."""
MARK = "focus-acceptance/may-be-used"
MARKED = ("kube-system", "default")
"""The namespaces that may carry the mark; one of them is enough."""
FLAG = "--yes-this-cluster"

_PROCESS, _HOST = "focus-acceptance/process", "focus-acceptance/host"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STARTED = 19
"""Index of a process's start time in its ``stat``, counted after the process name (proc(5), field 22)."""


def is_marked(namespaces: Iterable[Mapping[str, Any]]) -> bool:
    return any((each["metadata"].get("annotations") or {}).get(MARK) == "true" for each in namespaces)


def not_permitted(server: str) -> str:
    """The error message for a cluster without the mark."""
    return (
        f"the cluster at {server} is not marked for this: kubectl annotate namespace {MARKED[0]} {MARK}=true marks it, "
        f"{FLAG} permits it once"
    )


def owner() -> dict[str, str]:
    """Annotations for a namespace that this process creates."""
    return {_PROCESS: f"{os.getpid()}-{_started(os.getpid())}", _HOST: _host()}


def is_abandoned(namespace: Mapping[str, Any]) -> bool:
    """Whether a labelled namespace was created on this machine by a process that has ended; never without /proc."""
    annotations = namespace["metadata"].get("annotations") or {}
    if annotations.get(_HOST) != _host():
        return False
    pid, _, started = annotations.get(_PROCESS, "").partition("-")
    return not pid.isdigit() or _started(int(pid)) != started


def _host() -> str:
    """An identifier of this machine and its current boot; on systems other than Linux, of the machine only."""
    boot = _BOOT.read_text(encoding="ascii").strip() if _BOOT.is_file() else ""
    return f"{socket.gethostname()}-{boot}"


def _started(pid: int) -> str:
    """The start time of a process in clock ticks; empty if the process does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_STARTED]
