"""Texts that components write at a limit. Patterns match anywhere in a text (docs/facts/capacity.md 5 and 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_RULES: tuple[tuple[str, str], ...] = (
    ("leaked-ports", r"\d+ of them by services whose job is gone"),
    ("quota", r"exceeded quota:|failed quota:|pods of quota \S+: "),
    (
        "node-ports",
        r"failed to allocate a nodePort|provided port is (?:already allocated|not in the valid range)"
        r"|no free stream port",
    ),
    (
        "api-overload",
        r"server has received too many requests|\bTooManyRequests\b|client-side throttling",
    ),
    (
        "recordings-storage",
        r"No space left on device|\bENOSPC\b|[Dd]isk quota exceeded|\bOutOfDiskSpace\b"
        r"|unbound immediate PersistentVolumeClaims|bound to non-existent persistentvolume",
    ),
    ("mongo-pool", r"\w*WaitQueueTimeoutError|Timed out while checking out a connection"),
    ("generator", r"\bEMFILE\b|Too many open files|\bEADDRNOTAVAIL\b|Cannot assign requested address"),
    ("node-not-ready", r"untolerated taint \{node\.kubernetes\.io/(?:not-ready|unreachable)\b"),
    ("kubelet-race", r"Node didn't have enough resource: |\bOutOf(?:cpu|memory|ephemeral-storage)\b"),
    ("pods-per-node", r"Too many pods|\bOutOfpods\b|pods on the nodes: "),
    (
        "gpu-slices",
        r"Insufficient nvidia\.com/\S+|GPU slices? \(|requested number of devices unavailable|Allocate failed due to ",
    ),
    ("node-cpu", r"Insufficient cpu\b|(?:^|[;:] )cpu: \S+ of \S+ free"),
    ("node-memory", r"Insufficient memory\b|(?:^|[;:] )memory: \S+ of \S+ free"),
    ("node-storage", r"Insufficient ephemeral-storage"),
    ("placement", r"untolerated taint|didn't match Pod's node affinity|didn't match pod anti-affinity"),
    (
        "image-pull",
        r"\b(?:ErrImagePull|ImagePullBackOff)\b|pull QPS exceeded|toomanyrequests|Failed to pull image"
        r"|Back-off pulling image",
    ),
    ("node-pressure", r"The node was low on resource"),
    ("memory-limit", r"\bOOMKilled\b"),
)
_COMPILED = tuple((cause, re.compile(pattern)) for cause, pattern in _RULES)

_NODES = re.compile(r"(?:^|[:,] )(\d+) (Insufficient [\w./-]+|Too many pods|node\(s\) [^,.]*(?:\.[^,. ][^,.]*)*)")
_CONTROL_PLANE = re.compile(r"untolerated taint \{node-role\.kubernetes\.io/(?:control-plane|master)\b")


def cause_of(text: str) -> str | None:
    """Return the cause a text names, or None. If it names several, the scheduler's are ranked by the number of nodes.
    In any other text the first counts, because the component that wrote it ordered them.
    """
    if "nodes are available" in text:
        return _scheduler_cause(text)
    found = [(match.start(), order, cause) for order, (cause, pattern) in enumerate(_COMPILED)
             if (match := pattern.search(text))]  # fmt: skip
    if not found:
        return None
    # A leak is named after the ports that it makes unavailable.
    leaked = [each for each in found if each[2] == "leaked-ports"]
    return min(leaked or found)[2]


def unschedulable_reasons(message: str) -> list[tuple[int, str]]:
    """(number of nodes, reason) from the scheduler's text, without what preemption could not do."""
    return [(int(count), reason.strip()) for count, reason in _NODES.findall(message.split(" preemption:")[0])]


def _scheduler_cause(text: str) -> str | None:
    """A control plane node that takes no jobs is normal. Missing room counts more than configuration."""
    weighed = list(_weighed(text))
    return max(weighed)[-1] if weighed else _volume_cause(text)


def _volume_cause(text: str) -> str | None:
    """The scheduler counts no nodes for a pod whose volume is not bound."""
    return next((cause for cause, pattern in _COMPILED if cause == "recordings-storage" and pattern.search(text)), None)


def _weighed(text: str) -> Iterator[tuple[int, int, int, str]]:
    for index, (count, reason) in enumerate(unschedulable_reasons(text)):
        cause = next((cause for cause, pattern in _COMPILED if pattern.search(reason)), None)
        if cause is not None:
            rank = 0 if _CONTROL_PLANE.search(reason) else 1 if cause == "placement" else 2
            yield rank, count, -index, cause
