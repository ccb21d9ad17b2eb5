"""``context.world.recordings``: the recording index, its content, and its quality."""

from __future__ import annotations

from contextlib import ExitStack

from support.clients.change_journal import Changes
from support.clients.focus_server.client import FocusServerClient
from support.clients.journal import Journal
from support.clients.mongodb.client import MongoDBClient
from support.clients.safety import SafetyPolicy
from support.config import Environment
from support.data_quality.index import DataQuality
from support.model.recordings import Recordings
from support.world.closing import closed_with


class RecordingsRoom:
    def __init__(
        self, environment: Environment, client: MongoDBClient, focus_server: FocusServerClient, changes: Changes
    ) -> None:
        self.client = client
        self.index = Recordings(client, environment.mongodb.base_path, changes)
        self.quality = DataQuality(client, focus_server, environment)

    @classmethod
    def connected(
        cls,
        environment: Environment,
        journal: Journal,
        changes: Changes,
        policy: SafetyPolicy,
        focus_server: FocusServerClient,
        closing: ExitStack,
    ) -> RecordingsRoom:
        client = closed_with(closing, MongoDBClient(environment.mongodb, journal, policy))
        return cls(environment, client, focus_server, changes)
