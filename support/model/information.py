"""The answers of the information endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from support.clients.focus_server.client import Answer


@dataclass(frozen=True)
class InformationAnswers:
    """The answers of the information endpoints, asked for one after the other."""

    alive: Answer
    channels: Answer
    fibre: Answer
