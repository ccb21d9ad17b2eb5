"""The plan of a split run: the scenarios of each tester, and the file that holds them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

SCHEMA: Literal["focus-acceptance/shards/1"] = "focus-acceptance/shards/1"
MOST_SHARDS = 64


class PlanError(Exception):
    """A plan cannot be made, read or used as asked. The message is one sentence."""


class Share(BaseModel):
    """The scenarios of one tester. ``seconds`` is their expected duration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: Annotated[float, Field(ge=0)]
    scenarios: tuple[str, ...]


class Plan(BaseModel):
    """The plan. ``shares`` run at the same time; ``alone`` runs after all of them have ended, if they share a site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["focus-acceptance/shards/1"] = Field(SCHEMA, alias="schema")
    environment: str
    tags: str
    complete: bool
    """Whether the plan covers the whole suite."""
    shares: Annotated[tuple[Share, ...], Field(min_length=1, max_length=MOST_SHARDS)]
    alone: Share | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Plan:
        ids = [one for share in self.every_share for one in share.scenarios]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is in more than one share")
        return self

    @property
    def every_share(self) -> tuple[Share, ...]:
        """The shares that run at the same time, then the share that runs after them."""
        return self.shares if self.alone is None else (*self.shares, self.alone)

    @property
    def scenarios(self) -> frozenset[str]:
        return frozenset(one for share in self.every_share for one in share.scenarios)

    @property
    def digest(self) -> str:
        """A hash that is equal for equal plans."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:16]

    def name_of(self, index: int) -> str:
        """Return the name of a share, counted from 0: ``shard 0 of 3``."""
        return "the shard that runs alone" if index == len(self.shares) else f"shard {index} of {len(self.shares)}"

    def text(self) -> str:
        """Return the plan as the JSON text of its file."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1) + "\n"


def read_plan(path: Path) -> Plan:
    """Read a plan from a file. Raises :class:`PlanError`."""
    try:
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise PlanError(f"{path}: no plan of shards: {place}: {first['msg']}") from error


def index_of(index: int, plan: Plan) -> int:
    """Return ``index`` if the plan has a share with that number, from 0; otherwise raise :class:`PlanError`."""
    if not 0 <= index < len(plan.every_share):
        raise PlanError(f"--index {index}: allowed are 0 to {len(plan.every_share) - 1}")
    return index
