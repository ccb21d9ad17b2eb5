"""Kubernetes quantities as whole numbers: cpu in millicores, everything else in its own unit (bytes, pieces)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(10**3),
    "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip


_MOST = Decimal(2**63 - 1)
"""The largest amount; anything larger is treated as equal to it, as in Kubernetes."""


@lru_cache(maxsize=4096)
def amount(resource: str, quantity: str) -> int:
    """``quantity`` of ``resource`` as a whole number, rounded up; :class:`ValueError` if it is not a quantity."""
    text = quantity.strip()
    digits = text.rstrip("numkMGTPEi")
    factor = _SUFFIXES.get(text[len(digits) :])
    try:
        value = Decimal(digits)
    except InvalidOperation:
        value = None
    if factor is None or value is None:
        raise ValueError(f"{quantity!r} is not a quantity of {resource}")
    scaled = max(-_MOST, min(_MOST, value)) * factor * (1000 if _is_cpu(resource) else 1)
    return int(max(-_MOST, min(_MOST, scaled)).to_integral_value(ROUND_CEILING))


def text(resource: str, value: int) -> str:
    """A number from :func:`amount` in Kubernetes notation."""
    if _is_cpu(resource):
        return str(value // 1000) if value % 1000 == 0 else f"{value}m"
    if _is_memory(resource) and value:
        for suffix, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
            if value % factor == 0:
                return f"{value // factor}{suffix}"
    return str(value)


def requests(pod_spec: Mapping[str, Any], field: str = "requests") -> dict[str, int]:
    """The total that all containers of a pod request; an init container counts if it alone requests more."""
    total = _sum(pod_spec.get("containers", ()), field)
    for container in pod_spec.get("initContainers", ()):
        for resource, value in _sum([container], field).items():
            total[resource] = max(total.get(resource, 0), value)
    return total


def _sum(containers: Iterable[Mapping[str, Any]], field: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for container in containers:
        for resource, quantity in ((container.get("resources") or {}).get(field) or {}).items():
            total[resource] = total.get(resource, 0) + amount(resource, str(quantity))
    return total


def _is_cpu(resource: str) -> bool:
    return resource in ("cpu", "requests.cpu", "limits.cpu")


def _is_memory(resource: str) -> bool:
    return resource.rsplit(".", 1)[-1] in ("memory", "ephemeral-storage")
