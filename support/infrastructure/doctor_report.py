"""Report of the doctor, as text for people and as JSON for programs (``doctor.schema.json``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.infrastructure.doctor import LayerDiagnosis, LayerFinding
from support.infrastructure.prerequisites import Prerequisite

SCHEMA = "focus-acceptance/doctor/1"
_EXIT_CODES = {"in order": 0, "not in order": 1, "not usable": 2}


@dataclass(frozen=True)
class DoctorReport:
    """Report on one environment.

    ``machine`` holds the prerequisites on this machine, ``way`` those that need the network. ``diagnosis`` is None if a
    prerequisite of the machine is missing. ``trusts`` names whose certificates each client trusts. ``clocks`` describes
    the clocks of the environment.
    """

    environment: str
    title: str
    description: str
    machine: Sequence[Prerequisite]
    way: Sequence[Prerequisite] = ()
    diagnosis: LayerDiagnosis | None = None
    trusts: Mapping[str, str] = field(default_factory=dict)
    clocks: Sequence[str] = ()

    @property
    def verdict(self) -> str:
        """``in order``, ``not in order`` (the system) or ``not usable`` (this machine, or the environment file)."""
        if self.diagnosis is None:
            return "not usable"
        return "not in order" if self.diagnosis.broken or _troubles(self.way) else "in order"

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self.verdict]

    @property
    def conclusion(self) -> str:
        """The conclusion in one sentence, for the person who fixes the problem."""
        if self.diagnosis is None:
            return f"nothing was examined: {'; '.join(one.name for one in _troubles(self.machine))} first"
        unreached = "; ".join(map(str, _troubles(self.way)))
        if not self.diagnosis.broken and unreached:
            return f"every layer is in order, and yet: {unreached}"
        return self.diagnosis.conclusion

    def lines(self) -> Iterator[str]:
        """Yield the report for a console, the diagnosis first."""
        yield f"{self.title}: {self.conclusion}"
        if self.diagnosis is not None:
            yield from (f"  {finding}" for finding in self.diagnosis.findings)
        if self.description:
            yield f"about {self.environment}: {self.description}"
        yield "prerequisites"
        for one in (*self.machine, *self.way):
            yield f"  {'[ok]' if one.trouble is None else '[--]'} {one}"
        if self.trusts:
            yield "certificates trusted"
            yield from (f"  {service}: {whom}" for service, whom in self.trusts.items())
        yield from (f"clocks: {clock}" for clock in self.clocks)

    def as_json(self) -> dict[str, Any]:
        first = self.diagnosis.broken[0] if self.diagnosis is not None and self.diagnosis.broken else None
        return {
            "schema": SCHEMA,
            "environment": self.environment,
            "title": self.title,
            "verdict": self.verdict,
            "conclusion": self.conclusion,
            "diagnosis": None if first is None else _layer_json(first),
            "prerequisites": [_prerequisite_json(one) for one in (*self.machine, *self.way)],
            "layers": [] if self.diagnosis is None else [_layer_json(one) for one in self.diagnosis.findings],
            "trusts": dict(self.trusts),
            "clocks": list(self.clocks),
        }


def _troubles(several: Sequence[Prerequisite]) -> list[Prerequisite]:
    return [one for one in several if one.trouble is not None]


def _prerequisite_json(one: Prerequisite) -> dict[str, Any]:
    return {"name": one.name, "ok": one.trouble is None, "detail": one.trouble or one.detail}


def _layer_json(finding: LayerFinding) -> dict[str, Any]:
    broken = finding.trouble is not None
    return {
        "number": finding.layer.number,
        "name": finding.layer.name,
        "ok": not broken,
        "evidence": finding.trouble,
        "next_step": finding.layer.advice if broken else None,
    }
