"""The definitions that a broker starts with: the user, the virtual host and the exchange that the product expects."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Collection, Mapping
from typing import Any

PASSWORD_CHANGED, EXCHANGE_MISSING = "broker-password-changed", "broker-exchange-missing"


def definitions(config: Mapping[str, Any], faults: Collection[str] = ()) -> dict[str, Any]:
    """The definitions in the format of RabbitMQ's ``load_definitions``, changed by each fault that is on."""
    user, vhost = config["user"], config["vhost"]
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [{"name": user, **hashed(password_with(faults, config)), "tags": "administrator"}],
        "vhosts": [{"name": vhost}],
        "permissions": [{"user": user, "vhost": vhost, **everything}],
        "exchanges": [] if EXCHANGE_MISSING in faults else [exchange(config)],
    }


def password_with(faults: Collection[str], config: Mapping[str, Any]) -> str:
    """The password that the broker accepts."""
    right = str(config["password"])
    return f"not-{right}" if PASSWORD_CHANGED in faults else right


def exchange(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": config["exchange"], "vhost": config["vhost"], "type": "topic", "durable": True, "auto_delete": False,
        "internal": False, "arguments": {},
    }  # fmt: skip


def hashed(password: str) -> dict[str, str]:
    """A password as RabbitMQ stores it: salt and hash, in base 64."""
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
    }
