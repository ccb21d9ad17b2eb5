"""One client connection: reads requests, has them handled, writes replies."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from bson.errors import BSONError

from environments.sandbox.mongodb.access import User
from environments.sandbox.mongodb.commands.registry import Request, handle
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, INTERNAL_ERROR, MAX_TIME_EXPIRED, MongoError
from environments.sandbox.mongodb.planner import Deadline
from environments.sandbox.mongodb.scram import Conversation
from environments.sandbox.mongodb.wire import Message, ProtocolError, encode_reply, read_message

if TYPE_CHECKING:
    from environments.sandbox.mongodb.server import Server

_reply_ids = itertools.count(1)
_UNEXPECTED = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, BSONError)
"""What a malformed request can lead to before it is recognised as one; it is logged and answered with error 1."""


class Connection:
    """``user`` is who has authenticated on it, if anybody."""

    def __init__(self, server: Server, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.number = number
        self.user: User | None = None
        self.conversation: Conversation | None = None
        self.skip_empty_exchange = False
        self.await_ms = 0.0
        self._reader, self._writer = reader, writer
        self._dropped = False
        address = writer.get_extra_info("peername") or ("?", 0)
        self.peer = f"{address[0]}:{address[1]}"

    def drop(self) -> None:
        """Close without an answer to the request that is being handled."""
        self._dropped = True

    async def serve(self) -> None:
        """Until either side closes. The next request is awaited early, so that a peer that closes is noticed."""
        following = asyncio.ensure_future(read_message(self._reader))
        try:
            while (message := await following) is not None:
                following = asyncio.ensure_future(read_message(self._reader))
                reply = await self._reply(message)
                if self.await_ms:
                    await asyncio.wait({following}, timeout=self.await_ms / 1000)
                    self.await_ms = 0.0
                if self._dropped:
                    return
                if message.wants_reply:
                    self._writer.write(reply)
                    await self._writer.drain()
        except ProtocolError as error:
            self.server.log.warning("connection %d: %s", self.number, error)
        except ConnectionError:
            return
        finally:
            following.cancel()
            self._writer.close()

    async def _reply(self, message: Message) -> bytes:
        try:
            result = await self._handle(message)
            return encode_reply(message, {**result, "ok": 1.0}, next(_reply_ids))
        except MongoError as error:
            failure = error
        except _UNEXPECTED as error:
            self.server.log.exception("%s on connection %d could not be handled", message.command, self.number)
            failure = MongoError(INTERNAL_ERROR, f"this server cannot handle this {message.command}: {error!r}")
        return encode_reply(message, failure.reply(), next(_reply_ids))

    async def _handle(self, message: Message) -> dict[str, Any]:
        body = message.body
        if "$db" not in body or not isinstance(body["$db"], str):
            raise MongoError(FAILED_TO_PARSE, "OP_MSG requests require a $db argument")
        limit_ms = body.get("maxTimeMS", 0)
        if isinstance(limit_ms, bool) or not isinstance(limit_ms, (int, float)) or not 0 <= limit_ms < 2**31:
            raise MongoError(FAILED_TO_PARSE, f"maxTimeMS has to be between 0 and 2147483647, not {limit_ms!r}")
        request = Request(self.server, self, message.command, body, Deadline(limit_ms))
        self.server.count(message.command)
        await self._delay(message.command, limit_ms)
        try:
            return handle(request)
        finally:
            self.server.store.flush()

    async def _delay(self, command: str, limit_ms: float) -> None:
        delay_s = self.server.delay_s(command)
        if not delay_s:
            return
        if limit_ms and limit_ms / 1000 < delay_s:
            await asyncio.sleep(limit_ms / 1000)
            raise MongoError(MAX_TIME_EXPIRED, "operation exceeded time limit")
        await asyncio.sleep(delay_s)
