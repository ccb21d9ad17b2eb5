"""Greeting, authentication and sessions."""

from __future__ import annotations

from typing import Any

from bson import Binary

from environments.sandbox.mongodb import about
from environments.sandbox.mongodb.access import MECHANISMS
from environments.sandbox.mongodb.commands.registry import Request, command
from environments.sandbox.mongodb.errors import BAD_VALUE, ILLEGAL_OPERATION, MongoError
from environments.sandbox.mongodb.expressions import now_milliseconds
from environments.sandbox.mongodb.scram import Conversation, WrongPassword, failed
from environments.sandbox.mongodb.storage import MAX_DOCUMENT_BYTES
from environments.sandbox.mongodb.wire import MAX_MESSAGE_BYTES


@command("hello", None, any_field=True, aliases="isMaster ismaster")
def hello(request: Request) -> dict[str, Any]:
    """A standalone server of MongoDB 8.0; starts an authentication when the client brought one along."""
    body = request.body
    reply: dict[str, Any] = {"helloOk": True} if body.get("helloOk") else {}
    reply["isWritablePrimary" if request.name == "hello" else "ismaster"] = True
    reply.update(
        topologyVersion={"processId": request.server.process_id, "counter": about.COUNTER},
        maxBsonObjectSize=MAX_DOCUMENT_BYTES, maxMessageSizeBytes=MAX_MESSAGE_BYTES, maxWriteBatchSize=100_000,
        localTime=now_milliseconds(), logicalSessionTimeoutMinutes=30, connectionId=request.connection.number,
        minWireVersion=0, maxWireVersion=about.WIRE_VERSION, readOnly=False,
    )  # fmt: skip
    if "topologyVersion" in body and body.get("maxAwaitTimeMS"):
        request.connection.await_ms = float(body["maxAwaitTimeMS"])
    if "saslSupportedMechs" in body:
        database, _, name = str(body["saslSupportedMechs"]).partition(".")
        known = request.server.users.find(database, name)
        reply["saslSupportedMechs"] = list(known.keys) if known else []
    if isinstance(body.get("speculativeAuthenticate"), dict):
        answer = _speculate(request, body["speculativeAuthenticate"])
        if answer is not None:
            reply["speculativeAuthenticate"] = answer
    return reply


def _speculate(request: Request, start: dict[str, Any]) -> dict[str, Any] | None:
    """A speculative start that fails is simply left out of the greeting."""
    try:
        return _start(request, start, str(start.get("db", "admin")))
    except MongoError:
        return None


def _start(request: Request, body: dict[str, Any], database: str) -> dict[str, Any]:
    mechanism = str(body.get("mechanism"))
    if mechanism not in MECHANISMS:
        raise MongoError(BAD_VALUE, f"Received authentication for mechanism {mechanism} which is not enabled")
    conversation = Conversation(mechanism, database, request.server.users.find)
    payload = conversation.first(body["payload"])
    request.connection.conversation = conversation
    request.connection.skip_empty_exchange = bool(body.get("options", {}).get("skipEmptyExchange"))
    return {"conversationId": 1, "done": False, "payload": Binary(payload)}


@command("saslStart", None, "mechanism payload options autoAuthorize")
def sasl_start(request: Request) -> dict[str, Any]:
    return _start(request, request.body, request.database)


@command("saslContinue", None, "conversationId payload")
def sasl_continue(request: Request) -> dict[str, Any]:
    connection, conversation = request.connection, request.connection.conversation
    if conversation is None or request.body.get("conversationId") != 1:
        raise MongoError(17, "No SASL session state found")
    if conversation.done:
        return _authenticated(request, b"")
    try:
        payload = conversation.final(request.need("payload", bytes), request.server.known_wrong_passwords())
    except WrongPassword:
        connection.conversation = None
        if request.server.fault("wrong-password-looks-unreachable"):
            connection.drop()
        request.server.log.info("authentication failed on connection %d", connection.number)
        raise
    if request.server.fault("authentication-refused"):
        connection.conversation = None
        raise failed()
    if connection.skip_empty_exchange:
        return _authenticated(request, payload)
    return {"conversationId": 1, "done": False, "payload": Binary(payload)}


def _authenticated(request: Request, payload: bytes) -> dict[str, Any]:
    conversation = request.connection.conversation
    assert conversation is not None
    request.connection.user = conversation.user
    request.connection.conversation = None
    return {"conversationId": 1, "done": True, "payload": Binary(payload)}


@command("logout", None)
def logout(request: Request) -> dict[str, Any]:
    request.connection.user = None
    return {}


@command("ping", None)
def ping(_: Request) -> dict[str, Any]:
    return {}


@command("connectionStatus", None, "showPrivileges")
def connection_status(request: Request) -> dict[str, Any]:
    user = request.user
    users = [{"user": user.name, "db": user.database}] if user else []
    roles = [{"role": role.name, "db": role.database} for role in user.roles] if user else []
    return {"authInfo": {"authenticatedUsers": users, "authenticatedUserRoles": roles}}


@command("startSession", "")
def start_session(request: Request) -> dict[str, Any]:
    return {"id": {"id": Binary(request.server.new_session_id(), 4)}, "timeoutMinutes": 30}


@command("endSessions", None)
def end_sessions(request: Request) -> dict[str, Any]:
    request.server.end_sessions(request.need("endSessions", list))
    return {}


@command("killSessions", "")
def kill_sessions(request: Request) -> dict[str, Any]:
    request.server.end_sessions(request.need("killSessions", list))
    return {}


@command("refreshSessions", "")
def refresh_sessions(request: Request) -> dict[str, Any]:
    for lsid in request.need("refreshSessions", list):
        request.server.use_session(lsid)
    return {}


@command("commitTransaction", "", any_field=True, aliases="abortTransaction")
def commit_transaction(_: Request) -> dict[str, Any]:
    raise MongoError(ILLEGAL_OPERATION, "Transaction numbers are only allowed on a replica set member or mongos")
