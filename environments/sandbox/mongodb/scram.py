"""The server's side of SCRAM (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence

from environments.sandbox.mongodb.access import ITERATIONS, SALT_BYTES, Keys, User
from environments.sandbox.mongodb.errors import AUTHENTICATION_FAILED, MongoError


def failed() -> MongoError:
    """One text for every reason, so that nobody learns which users exist."""
    return MongoError(AUTHENTICATION_FAILED, "Authentication failed.")


class WrongPassword(MongoError):
    """The exchange was complete and the proof is not right."""

    def __init__(self) -> None:
        super().__init__(AUTHENTICATION_FAILED, "Authentication failed.")


class Conversation:
    """One exchange: :meth:`first` and :meth:`final` take what the client sent and give what it gets."""

    def __init__(self, mechanism: str, database: str, find_user: Callable[[str, str], User | None]) -> None:
        self.mechanism = mechanism
        self.database = database
        self.user: User | None = None
        self.done = False
        self._find_user = find_user
        self._nonce = ""
        self._messages: list[str] = []

    def first(self, payload: bytes) -> bytes:
        """The client's first message; unknown users get a salt too, and fail at the proof."""
        text = _text(payload)
        if not text.startswith("n,,"):
            raise failed()
        bare = text[3:]
        fields = _fields(bare)
        name = fields["n"].replace("=2C", ",").replace("=3D", "=")
        found = self._find_user(self.database, name)
        if found is not None and self.mechanism not in found.keys:
            raise failed()
        self.user = found
        unknown = hashlib.sha256(f"{self.database}.{name}".encode()).digest()[: SALT_BYTES[self.mechanism]]
        salt = self.user.keys[self.mechanism].salt if self.user else unknown
        self._nonce = fields["r"] + base64.b64encode(os.urandom(18)).decode()
        answer = f"r={self._nonce},s={base64.b64encode(salt).decode()},i={ITERATIONS}"
        self._messages = [bare, answer]
        return answer.encode()

    def final(self, payload: bytes, also_accepted: Sequence[str] | None = None) -> bytes:
        """Check the client's proof; :class:`WrongPassword` when it is not one.

        With ``also_accepted`` (a fault) every proof is accepted. SCRAM is mutual: the answer convinces the client only
        if the server knows the password that was used, so the wrong passwords to be believed in are given by name.
        """
        text = _text(payload)
        without_proof, separator, proof = text.rpartition(",p=")
        fields = _fields(without_proof)
        if not separator or fields.get("r") != self._nonce:
            raise failed()
        signed = ",".join([*self._messages, without_proof]).encode()
        if self.user is None:
            raise WrongPassword
        keys = self.user.keys[self.mechanism]
        if not _proves(keys, proof, signed):
            if also_accepted is None:
                raise WrongPassword
            others = (Keys.derive(self.mechanism, self.user.name, password, keys.salt) for password in also_accepted)
            keys = next((other for other in others if _proves(other, proof, signed)), keys)
        self.done = True
        signature = hmac.digest(keys.server, signed, keys.hash_name)
        return f"v={base64.b64encode(signature).decode()}".encode()


def _proves(keys: Keys, proof: str, signed: bytes) -> bool:
    try:
        given = base64.b64decode(proof, validate=True)
    except binascii.Error:
        return False
    signature = hmac.digest(keys.stored, signed, keys.hash_name)
    if len(given) != len(signature):
        return False
    client_key = bytes(a ^ b for a, b in zip(given, signature, strict=True))
    return hmac.compare_digest(hashlib.new(keys.hash_name, client_key).digest(), keys.stored)


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
