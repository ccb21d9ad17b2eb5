"""A cluster that is not ours: whether it may be used, and whose the namespaces are that were made in it.

It is used only where somebody has said so: with an annotation on ``kube-system`` or ``default``, or with a flag. Every
namespace made there bears a label, and says which process made it, so that what a killed one has left can be told.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

OWNER_LABEL = "focus-acceptance/owner"
SLICES_GIVEN = "focus-acceptance/slices-given"
"""An annotation: the nodes that were given GPU slices together with the namespace."""
MARK = "focus-acceptance/may-be-used"
MARKED = ("kube-system", "default")
"""The namespaces of which one bears the mark."""
FLAG = "--yes-this-cluster"

_PROCESS, _HOST = "focus-acceptance/process", "focus-acceptance/host"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STARTED = 19
"""The start of a process in its ``stat``, counted from what follows its name (proc(5), field 22)."""


def is_marked(namespaces: Iterable[Mapping[str, Any]]) -> bool:
    return any((each["metadata"].get("annotations") or {}).get(MARK) == "true" for each in namespaces)


def not_permitted(server: str) -> str:
    """The sentence for a cluster that nobody has marked."""
    return (
        f"the cluster at {server} is not marked for this: kubectl annotate namespace {MARKED[0]} {MARK}=true marks it, "
        f"{FLAG} permits it once"
    )


def owner() -> dict[str, str]:
    """Annotations of a namespace that this process makes."""
    return {_PROCESS: f"{os.getpid()}-{_started(os.getpid())}", _HOST: _host()}


def is_abandoned(namespace: Mapping[str, Any]) -> bool:
    """Whether a namespace with the label was made on this machine, by a process that is gone. Where there is no /proc
    none is taken for that."""
    annotations = namespace["metadata"].get("annotations") or {}
    if annotations.get(_HOST) != _host():
        return False
    pid, _, started = annotations.get(_PROCESS, "").partition("-")
    return not pid.isdigit() or _started(int(pid)) != started


def _host() -> str:
    """This machine since it was started; elsewhere than on Linux this machine."""
    boot = _BOOT.read_text(encoding="ascii").strip() if _BOOT.is_file() else ""
    return f"{socket.gethostname()}-{boot}"


def _started(pid: int) -> str:
    """When a process began, in ticks; empty for one that is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_STARTED]
