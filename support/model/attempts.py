"""A request to open an investigation, and an investigation that was opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.clients.focus_server.client import Answer, OpenedInvestigation
from support.model import requests


class _Sent:
    """Base of a request that was sent."""

    request: requests.Body

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields that were sent; empty if the body had no fields."""
        return {} if isinstance(self.request, bytes) else self.request

    @property
    def times(self) -> Mapping[str, int | None]:
        """The times that were sent."""
        return {key: self.fields[key] for key in ("start_time", "end_time") if key in self.fields}


@dataclass(frozen=True)
class Attempt(_Sent):
    """A request to open, with the jobs that existed before it."""

    request: requests.Body
    answer: Answer
    jobs_before: frozenset[str]


@dataclass(frozen=True)
class Unanswered(_Sent):
    """A request to open whose client has left, with the jobs that existed before it."""

    request: requests.Body
    jobs_before: frozenset[str]


@dataclass(frozen=True)
class Investigation:
    """An opened investigation."""

    attempt: Attempt
    opened: OpenedInvestigation

    @property
    def job_id(self) -> str:
        return self.opened.job_id
