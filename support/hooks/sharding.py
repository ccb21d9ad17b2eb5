"""The share of this process in a run that is split among several testers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.reporting.record.identity import identify
from support.sharding.plan import Plan, PlanError, index_of, read_plan


@dataclass(frozen=True)
class Shard:
    """One share of a plan."""

    plan: Plan
    index: int

    def as_json(self) -> dict[str, Any]:
        """Return the shard as a record keeps it."""
        return {"index": self.index, "plan": self.plan.model_dump(mode="json", by_alias=True)}

    def part_of(self, selected: Sequence[Any], environment: str) -> list[Any]:
        """Return the selected scenarios of this share. Raises PlanError unless the selection is that of the plan."""
        by_id = {identify(scenario).id: scenario for scenario in selected}
        if environment != self.plan.environment:
            raise PlanError(f"the plan of the shards is for {self.plan.environment}, and this run is on {environment}")
        if strange := sorted(by_id.keys() ^ self.plan.scenarios):
            where = "not in the plan of the shards" if strange[0] in by_id else "in the plan of the shards only"
            raise PlanError(f"{strange[0]} is {where}, as {len(strange) - 1} others are: make a new plan")
        return [by_id[name] for name in self.plan.every_share[self.index].scenarios]


def shard_of(userdata: Mapping[str, str]) -> Shard | None:
    """Return the shard of `-D shard=INDEX` and `-D shard_plan=FILE`; None if neither is given. Raises PlanError."""
    index, file = userdata.get("shard"), userdata.get("shard_plan")
    if index is None and file is None:
        return None
    if index is None or file is None:
        raise PlanError("-D shard=INDEX and -D shard_plan=FILE go together")
    if not index.isdecimal():
        raise PlanError(f"-D shard={index}: a whole number, from 0")
    plan = read_plan(Path(file))
    return Shard(plan, index_of(int(index), plan))
