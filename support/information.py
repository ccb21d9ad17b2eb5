"""What the server tells about itself: is it alive, which channels are there, what the fibre is."""

from __future__ import annotations

from dataclasses import dataclass

from support.clients.focus_server import Answer, FocusServerClient

ROUNDS = 5


@dataclass(frozen=True)
class Told:
    """The answers of the information endpoints, asked for one after the other."""

    alive: Answer
    channels: Answer
    fibre: Answer


class Information:
    """Asks all of the information endpoints."""

    def __init__(self, client: FocusServerClient) -> None:
        self._client = client

    def ask(self) -> Told:
        return Told(self._client.ack(), self._client.channels(), self._client.live_metadata())

    def ask_repeatedly(self) -> list[Told]:
        return [self.ask() for _ in range(ROUNDS)]
