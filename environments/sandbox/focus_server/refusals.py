"""The reasons for refusing a request, each with its HTTP status and its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Refused(Exception):
    """A request that is refused."""

    status = 400

    def body(self) -> Mapping[str, Any]:
        """The JSON object of the answer."""
        return {"error": str(self)}


class RuleViolation(Refused):
    """The request is well-typed but breaks a rule; ``got`` and ``allowed`` are words for a client developer."""

    def __init__(self, field: str, problem: str, got: object, allowed: str) -> None:
        super().__init__(f"{field} {problem}: got {'null' if got is None else got}, allowed {allowed}")
        self.field, self.problem = field, problem


class SchemaError(Refused):
    """The request does not have the JSON types of the contract; ``details`` has the shape that FastAPI uses."""

    status = 422

    def __init__(self, details: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("; ".join(str(detail["msg"]) for detail in details))
        self.details = details

    def body(self) -> Mapping[str, Any]:
        return {"detail": list(self.details)}


class NoRecording(Refused):
    """Nothing is recorded in the window."""

    status = 404

    def __init__(self, start_s: int, end_s: int) -> None:
        super().__init__(f"No recording found in given time range [{start_s}, {end_s}]")


class UnknownJob(Refused):
    """No open investigation has this job id."""

    status = 404

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Invalid job_id: no open investigation has the job id {job_id!r}")


class WaitingForFibre(Refused):
    """A live investigation needs a connected fibre."""

    status = 503

    def __init__(self) -> None:
        super().__init__("Cannot open a live investigation: waiting for fiber (missing fiber metadata field prr)")

    def body(self) -> Mapping[str, Any]:
        action = "connect the fiber and ask again, or ask for recorded data with start_time and end_time"
        fiber = {"state": "waiting for fiber", "missing": ["prr"]}
        return {"error": f"{self}; {action}", "fiber": fiber, "action": action}


class NoLiveMetadata(Refused):
    """No fibre is connected yet; one of the two ways to report it."""

    status = 404

    def __init__(self) -> None:
        super().__init__("Live metadata are not available: waiting for fiber")


class MongoDbAway(Refused):
    """The recording index cannot be read."""

    status = 503

    def __init__(self, why: str = "MongoDB is not reachable") -> None:
        super().__init__(f"Cannot look up recordings: {why}")


class Misconfigured(Refused):
    """The server was started with settings that it cannot load; it serves nothing until a start with valid ones."""

    status = 503


class CannotOpen(Refused):
    """No investigation can be opened now: no cluster, no capacity or no valid stream address."""

    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__(f"Cannot open an investigation: {reason}")
