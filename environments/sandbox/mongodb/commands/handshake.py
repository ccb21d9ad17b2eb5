"""Greeting, authentication and sessions."""

from __future__ import annotations

import logging
from typing import Any

from bson import Binary, Int64

from environments.sandbox.mongodb.auth.scram import Conversation, WrongPassword, failed
from environments.sandbox.mongodb.auth.users import MECHANISM
from environments.sandbox.mongodb.commands.instance import WIRE_VERSION
from environments.sandbox.mongodb.commands.registry import (
    ANY,
    ARRAY,
    BYTES,
    DOCUMENT,
    FLAG,
    TEXT,
    Request,
    check_fields,
    command,
)
from environments.sandbox.mongodb.query.expressions import now_milliseconds
from environments.sandbox.mongodb.storage.collection import MAX_DOCUMENT_BYTES
from environments.sandbox.mongodb.wire.errors import Code, MongoError
from environments.sandbox.mongodb.wire.framing import MAX_MESSAGE_BYTES

_LOG = logging.getLogger("mongodb")
_START_FIELDS = {"mechanism": TEXT, "payload": BYTES, "options": DOCUMENT, "autoAuthorize": ANY}


@command("hello", None, None, "isMaster", "ismaster")
def hello(request: Request) -> dict[str, Any]:
    """Greet as a standalone server of MongoDB 8.0, and start an authentication if the client included one."""
    body = request.body
    reply: dict[str, Any] = {"helloOk": True} if body.get("helloOk") else {}
    reply["isWritablePrimary" if request.name == "hello" else "ismaster"] = True
    reply.update(
        topologyVersion={"processId": request.instance.process_id, "counter": Int64(0)},
        maxBsonObjectSize=MAX_DOCUMENT_BYTES, maxMessageSizeBytes=MAX_MESSAGE_BYTES, maxWriteBatchSize=100_000,
        localTime=now_milliseconds(), logicalSessionTimeoutMinutes=30, connectionId=request.peer.number,
        minWireVersion=0, maxWireVersion=WIRE_VERSION, readOnly=False,
    )  # fmt: skip
    if "topologyVersion" in body and body.get("maxAwaitTimeMS"):
        request.peer.await_ms = _await_ms(body["maxAwaitTimeMS"])
    if "saslSupportedMechs" in body:
        database, _, name = str(body["saslSupportedMechs"]).partition(".")
        reply["saslSupportedMechs"] = [MECHANISM] if (database, name) in request.instance.users else []
    if isinstance(body.get("speculativeAuthenticate"), dict):
        answer = _speculate(request, body["speculativeAuthenticate"])
        if answer is not None:
            reply["speculativeAuthenticate"] = answer
    return reply


def _await_ms(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**31:
        raise MongoError(Code.FailedToParse, f"maxAwaitTimeMS has to be between 0 and 2147483647, not {value!r}")
    return float(value)


def _speculate(request: Request, start: dict[str, Any]) -> dict[str, Any] | None:
    """Start a speculative authentication. A failure is simply omitted from the greeting."""
    try:
        check_fields("saslStart", start, {**_START_FIELDS, "saslStart": ANY, "db": TEXT})
        return _start(request, start, start.get("db") or "admin")
    except MongoError:
        return None


def _start(request: Request, body: dict[str, Any], database: str) -> dict[str, Any]:
    mechanism = body.get("mechanism")
    if mechanism != MECHANISM:
        raise MongoError(Code.BadValue, f"Received authentication for mechanism {mechanism} which is not enabled")
    conversation = Conversation(database, request.instance.users)
    payload = conversation.first(body.get("payload") or b"")
    request.peer.conversation = conversation
    request.peer.skip_empty_exchange = bool((body.get("options") or {}).get("skipEmptyExchange"))
    return {"conversationId": 1, "done": False, "payload": Binary(payload)}


@command("saslStart", None, _START_FIELDS)
def sasl_start(request: Request) -> dict[str, Any]:
    return _start(request, request.body, request.database)


@command("saslContinue", None, {"conversationId": ANY, "payload": BYTES})
def sasl_continue(request: Request) -> dict[str, Any]:
    peer, conversation = request.peer, request.peer.conversation
    if conversation is None or request.body.get("conversationId") != 1:
        raise MongoError(Code.ProtocolError, "No SASL session state found")
    if conversation.done:
        return _authenticated(request, conversation, b"")
    try:
        payload = conversation.final(request.need("payload"), request.instance.at("wrong passwords accepted", None))
    except WrongPassword:
        peer.conversation = None
        peer.dropped = request.instance.at("drops after a wrong password", False)
        _LOG.info("authentication failed on connection %d", peer.number)
        raise
    if request.instance.at("refuses the right password", False):
        peer.conversation = None
        raise failed()
    if peer.skip_empty_exchange:
        return _authenticated(request, conversation, payload)
    return {"conversationId": 1, "done": False, "payload": Binary(payload)}


def _authenticated(request: Request, conversation: Conversation, payload: bytes) -> dict[str, Any]:
    request.peer.user = conversation.user
    request.peer.conversation = None
    return {"conversationId": 1, "done": True, "payload": Binary(payload)}


@command("ping", None, {})
def ping(_: Request) -> dict[str, Any]:
    return {}


@command("connectionStatus", None, {"showPrivileges": FLAG})
def connection_status(request: Request) -> dict[str, Any]:
    user = request.peer.user
    users = [{"user": user.name, "db": user.database}] if user else []
    roles = [{"role": role, "db": user.database} for role in user.roles] if user else []
    return {"authInfo": {"authenticatedUsers": users, "authenticatedUserRoles": roles}}


@command("endSessions", None, {"endSessions": ARRAY})
def end_sessions(_: Request) -> dict[str, Any]:
    """Do nothing: sessions have no state on a standalone server."""
    return {}
