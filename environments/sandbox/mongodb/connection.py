"""One client connection: it reads requests, has them handled and writes replies."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

from bson.errors import BSONError

from environments.sandbox.mongodb.commands.dispatch import handle
from environments.sandbox.mongodb.commands.instance import Instance
from environments.sandbox.mongodb.commands.registry import Peer, Request
from environments.sandbox.mongodb.commands.under_way import Operation
from environments.sandbox.mongodb.query.planner import Deadline
from environments.sandbox.mongodb.wire.errors import Code, MongoError
from environments.sandbox.mongodb.wire.framing import Message, ProtocolError, encode_reply, read_message
from environments.sandbox.shared.clock import after_wall_s

_reply_ids = itertools.count(1)
_UNEXPECTED = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, BSONError)
"""Errors that are a defect of this server: logged with a traceback and answered with error 1."""
_LOG = logging.getLogger("mongodb")


class Connection:
    """The server's end of a connection; ``peer`` is the state of the client."""

    def __init__(
        self, instance: Instance, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.peer = Peer(number)
        self._instance = instance
        self._reader, self._writer = reader, writer

    async def serve(self) -> None:
        """Serve until either side closes. The next request is read early, so that a closed connection is noticed."""
        following = asyncio.ensure_future(read_message(self._reader))
        try:
            while (message := await following) is not None:
                following = asyncio.ensure_future(read_message(self._reader))
                reply = await self._reply(message)
                if self.peer.await_ms:  # wall time: a driver drops the server, with all its requests, a second later
                    until = after_wall_s(self.peer.await_ms / 1000)
                    either: set[asyncio.Future[Any]] = {following, until}
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                    until.cancel()
                    self.peer.await_ms = 0.0
                if self.peer.dropped:
                    return
                if message.wants_reply:
                    self._writer.write(reply)
                    await self._writer.drain()
        except ProtocolError as error:
            _LOG.warning("connection %d is closed: %s", self.peer.number, error)
        except OSError:
            return
        finally:
            following.cancel()
            await asyncio.wait({following})
            if not following.cancelled():
                following.exception()  # the frame after the last answer may have been invalid too
            self._writer.close()

    async def _reply(self, message: Message) -> bytes:
        try:
            result = await self._handle(message)
            return encode_reply(message, {**result, "ok": 1.0}, next(_reply_ids))
        except MongoError as error:
            failure = error
        except RecursionError:
            failure = MongoError(Code.Overflow, "BSONObj exceeded maximum nested object depth: 200")
        except _UNEXPECTED as error:
            _LOG.exception("%s on connection %d could not be handled", message.command, self.peer.number)
            failure = MongoError(Code.InternalError, f"this server cannot handle this {message.command}: {error!r}")
        return encode_reply(message, failure.reply(), next(_reply_ids))

    async def _handle(self, message: Message) -> dict[str, Any]:
        body = message.body
        if not isinstance(body.get("$db"), str):
            raise MongoError(40571, "OP_MSG requests require a $db argument")
        limit_ms = body.get("maxTimeMS", 0)
        if isinstance(limit_ms, bool) or not isinstance(limit_ms, (int, float)) or not 0 <= limit_ms < 2**31:
            raise MongoError(Code.FailedToParse, f"maxTimeMS has to be between 0 and 2147483647, not {limit_ms!r}")
        request = Request(self._instance, self.peer, message.command, body, Deadline(limit_ms))
        self._instance.count(message.command)
        with self._instance.under_way.noted(self._operation(request)) as operation:
            await self._delay(message.command, limit_ms, operation)
            try:
                return handle(request)
            finally:
                self._instance.store.flush()

    def _operation(self, request: Request) -> Operation:
        named = request.body[request.name]
        namespace = f"{request.database}.{named}" if isinstance(named, str) else f"{request.database}.$cmd"
        collection = self._instance.store.find(request.database, named) if isinstance(named, str) else None
        return Operation(namespace, request.body, request.owner, len(collection.documents) if collection else 0)

    async def _delay(self, command: str, limit_ms: float, operation: Operation) -> None:
        delay_s: float = self._instance.at("delay_s", 0.0, command=command)
        if not delay_s:
            return
        if limit_ms and limit_ms / 1000 < delay_s:
            await asyncio.sleep(limit_ms / 1000)
            raise MongoError(Code.MaxTimeMSExpired, "operation exceeded time limit")
        await operation.last(delay_s)
