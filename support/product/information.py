"""Information that the server reports about itself: its health, its channels, and the fibre."""

from __future__ import annotations

from hamcrest import assert_that

from support.checks.information import names_its_channels
from support.clients.focus_server.client import FocusServerClient
from support.model.information import InformationAnswers

ROUNDS = 5


class Information:
    """Queries all information endpoints."""

    def __init__(self, client: FocusServerClient) -> None:
        self._client = client

    def highest_channel(self) -> int:
        """Return the highest channel that the server reports. Raises :class:`AssertionError` if it reports none."""
        answers = self.ask()
        assert_that(answers, names_its_channels())
        return int(answers.channels.json()["highest_channel"])

    def ask(self) -> InformationAnswers:
        return InformationAnswers(self._client.ack(), self._client.channels(), self._client.live_metadata())

    def ask_repeatedly(self) -> list[InformationAnswers]:
        return [self.ask() for _ in range(ROUNDS)]
