"""A search for recordings as the server makes it, and the plan by which the database answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from support.model.recording_index import Search


def search_for(start: datetime, end: datetime) -> dict[str, Any]:
    """Return the query for the recordings that touch a window, as the server makes it (docs/facts/mongodb.md 1.7)."""
    return {"start_time": {"$lt": end}, "$or": [{"end_time": {"$gt": start}}, {"end_time": None}]}


def search_from(explained: Mapping[str, Any]) -> Search:
    """Read a search from the answer of explain. Each version of the server may nest the plan differently."""
    planner, statistics = explained.get("queryPlanner", {}), explained.get("executionStats", {})
    return Search(tuple(_stages(planner.get("winningPlan", {}))), int(statistics.get("totalDocsExamined", 0)))


def _stages(plan: object) -> Iterator[str]:
    if isinstance(plan, Mapping):
        if isinstance(plan.get("stage"), str):
            yield str(plan["stage"])
        for inner in plan.values():
            yield from _stages(inner)
    elif isinstance(plan, list | tuple):
        for inner in plan:
            yield from _stages(inner)
