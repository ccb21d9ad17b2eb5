"""How long the server looks for a MongoDB that is away, and waits for one that says nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from environments.sandbox.focus_server.recordings import GIVE_UP_AFTER_MS, NOBODY_THERE_AFTER_MS, RecordingIndex
from environments.sandbox.focus_server.refusals import MongoDbAway
from environments.sandbox.focus_server.schema import Window
from tests.sandbox.focus_server.fake_mongodb import FakeMongoDb

ONCE_MORE_S = 0.7
"""The driver notices only after a look that its time is over; and a machine may be busy."""


@pytest.fixture
def mongodb() -> Iterator[FakeMongoDb]:
    fake = FakeMongoDb()
    yield fake
    fake.stop()


async def refused_after_s(index: RecordingIndex) -> float:
    began_s = time.monotonic()
    with pytest.raises(MongoDbAway):
        await index.find("/prisma/root", Window(1, 2))
    return time.monotonic() - began_s


def test_nobody_is_looked_for_shorter_than_an_answer_is_waited_for() -> None:
    """A time limit for the whole of a lookup would be the one for finding a server, too."""

    async def asked() -> float:
        index = RecordingIndex("mongodb://127.0.0.1:9/", "prisma", pool=2)
        try:
            return await refused_after_s(index)
        finally:
            await index.close()

    assert asyncio.run(asked()) < NOBODY_THERE_AFTER_MS / 1000 + ONCE_MORE_S < GIVE_UP_AFTER_MS / 1000


def test_who_says_nothing_is_given_up(mongodb: FakeMongoDb) -> None:
    async def asked() -> float:
        index = RecordingIndex(mongodb.uri, "prisma", pool=2)
        try:
            await index.ping()
            mongodb.silent.set()
            return await refused_after_s(index)
        finally:
            mongodb.silent.clear()
            await index.close()

    assert 0.9 * GIVE_UP_AFTER_MS / 1000 < asyncio.run(asked()) < 5.0
