"""The server's time limits for a MongoDB that is unavailable and for one that does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from environments.sandbox.focus_server.faults.loads import SmallPool
from environments.sandbox.focus_server.recordings import GIVE_UP_AFTER_MS, NOBODY_THERE_AFTER_MS, RecordingIndex
from environments.sandbox.focus_server.refusals import MongoDbAway
from environments.sandbox.focus_server.schema import Window
from support.waits import Stopwatch
from tests.sandbox.focus_server.fake_mongodb import FakeMongoDb


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


async def asked_of(index: RecordingIndex, before: Callable[[], None] | None = None) -> float:
    try:
        if before is not None:
            await index.ping()
            before()
        return await refused_after_s(index)
    finally:
        await index.close()


def test_nobody_is_looked_for_shorter_than_an_answer_is_waited_for(mongodb: FakeMongoDb) -> None:
    """A time limit on the whole lookup would also shorten the time for finding a server."""
    nobody_s = asyncio.run(asked_of(RecordingIndex("mongodb://127.0.0.1:9/", "prisma", pool=2)))
    silent_s = asyncio.run(asked_of(RecordingIndex(mongodb.uri, "prisma", pool=2), mongodb.silent.set))
    mongodb.silent.clear()
    assert nobody_s < silent_s and silent_s >= 0.9 * GIVE_UP_AFTER_MS / 1000


def test_who_waits_for_a_connection_is_not_told_that_nobody_answers(mongodb: FakeMongoDb) -> None:
    """Six queries share one connection: the last one waits longer than an answer may take."""

    async def ask_all() -> None:
        index = RecordingIndex(mongodb.uri, "prisma", pool=1)
        try:
            await asyncio.gather(*(index.ping() for _ in range(6)))
        finally:
            await index.close()

    mongodb.ping_s = 0.3 * GIVE_UP_AFTER_MS / 1000
    asyncio.run(ask_all())


async def ask_as_usual(mongodb: FakeMongoDb) -> Callable[[], Awaitable[None]]:
    index = RecordingIndex(mongodb.uri, "prisma", pool=1)
    await index.ping()
    return index.close


async def ask_over_few_connections(mongodb: FakeMongoDb) -> Callable[[], Awaitable[None]]:
    pool = SmallPool()
    await pool.ping(mongodb.uri)
    return pool.aclose


@pytest.mark.parametrize("asked", [ask_as_usual, ask_over_few_connections])
def test_a_server_that_ends_does_not_wait_for_a_mongodb_that_does_not_answer(
    mongodb: FakeMongoDb, asked: Callable[[FakeMongoDb], Awaitable[Callable[[], Awaitable[None]]]]
) -> None:
    """The driver ends its sessions when it is closed. Any end of a sandbox can meet that: MongoDB can go first."""

    async def closed_after_s() -> float:
        close = await asked(mongodb)
        mongodb.silent.set()
        watch = Stopwatch()
        await close()
        return watch.given_s()

    assert asyncio.run(closed_after_s()) < 0.8 * NOBODY_THERE_AFTER_MS / 1000
