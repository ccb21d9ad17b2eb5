"""The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

from environments.sandbox.mongodb.auth.users import HASH, ITERATIONS, SALT_BYTES, Keys, User, Users
from environments.sandbox.mongodb.wire.errors import Code, MongoError


def failed() -> MongoError:
    """The error for a failed login. One text for all reasons, so that it does not reveal which users exist."""
    return MongoError(Code.AuthenticationFailed, "Authentication failed.")


class WrongPassword(MongoError):
    """The exchange was complete but the proof is wrong."""

    def __init__(self) -> None:
        super().__init__(Code.AuthenticationFailed, "Authentication failed.")


class Conversation:
    """One exchange: :meth:`first` and :meth:`final` take a message of the client and return the answer."""

    def __init__(self, database: str, users: Users) -> None:
        self.database = database
        self.user: User | None = None
        self.done = False
        self._users = users
        self._nonce = ""
        self._messages: list[str] = []

    def first(self, payload: bytes) -> bytes:
        """Answer the client's first message; unknown users get a salt too, and fail at the proof."""
        text = _text(payload)
        if not text.startswith("n,,"):
            raise failed()
        bare = text[3:]
        fields = _fields(bare)
        name = fields.get("n", "").replace("=2C", ",").replace("=3D", "=")
        self.user = self._users.get((self.database, name))
        unknown = hashlib.sha256(f"{self.database}.{name}".encode()).digest()[:SALT_BYTES]
        salt = self.user.keys.salt if self.user else unknown
        self._nonce = fields["r"] + base64.b64encode(os.urandom(18)).decode()
        answer = f"r={self._nonce},s={base64.b64encode(salt).decode()},i={ITERATIONS}"
        self._messages = [bare, answer]
        return answer.encode()

    def final(self, payload: bytes, also_accepted: Sequence[str] | None = None) -> bytes:
        """Check the client's proof; raises :class:`WrongPassword` if it is wrong.

        With ``also_accepted`` (a fault) any proof is accepted. SCRAM is mutual: the answer convinces the client only if
        the server knows the password that was used, so the wrong passwords to accept are listed.
        """
        text = _text(payload)
        without_proof, separator, proof = text.rpartition(",p=")
        fields = _fields(without_proof)
        if not separator or fields.get("r") != self._nonce:
            raise failed()
        signed = ",".join([*self._messages, without_proof]).encode()
        if self.user is None:
            raise WrongPassword
        keys = self.user.keys
        if not _proves(keys, proof, signed):
            if also_accepted is None:
                raise WrongPassword
            others = (Keys.derive(password, keys.salt) for password in also_accepted)
            keys = next((other for other in others if _proves(other, proof, signed)), keys)
        self.done = True
        return f"v={base64.b64encode(hmac.digest(keys.server, signed, HASH)).decode()}".encode()


def _proves(keys: Keys, proof: str, signed: bytes) -> bool:
    try:
        given = base64.b64decode(proof, validate=True)
    except (binascii.Error, ValueError):  # ValueError for text that is not ASCII
        return False
    signature = hmac.digest(keys.stored, signed, HASH)
    if len(given) != len(signature):
        return False
    client_key = bytes(a ^ b for a, b in zip(given, signature, strict=True))
    return hmac.compare_digest(hashlib.new(HASH, client_key).digest(), keys.stored)


def _text(payload: bytes) -> str:
    try:
        return bytes(payload).decode()
    except UnicodeDecodeError:
        raise failed() from None


def _fields(message: str) -> dict[str, str]:
    fields = dict(part.split("=", 1) for part in message.split(",") if "=" in part)
    if "r" not in fields:
        raise failed()
    return fields
