"""Service account tokens, as ``kubectl create token`` requests them. They are valid until the account is deleted."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from environments.sandbox.kubernetes.http.roles import ACCOUNT
from environments.sandbox.kubernetes.store.errors import bad_request
from environments.sandbox.kubernetes.store.object_store import Store

Object = dict[str, Any]

_API_VERSION = "authentication.k8s.io/v1"
_USUAL_S = 3600


class IssuedTokens:
    """The issued tokens and their accounts. Neither expiry nor audience is checked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounts: dict[str, tuple[str, str, str]] = {}

    def account_of(self, token: str) -> str | None:
        """Return the user name of the token's account, None if the token or the account does not exist."""
        if token not in self._accounts:
            return None
        namespace, name, uid = self._accounts[token]
        account = self._store.find("serviceaccounts", name, namespace)
        known = account is not None and account["metadata"]["uid"] == uid
        return f"{ACCOUNT}{namespace}:{name}" if known else None

    def issue(self, namespace: str, name: str, body: Any) -> Object:
        """Issue a token and return the answer to the TokenRequest. Raises 404 if the account does not exist."""
        account = self._store.get("serviceaccounts", name, namespace)
        if not isinstance(body, dict) or not isinstance(spec := body.get("spec") or {}, dict):
            raise bad_request("the body of the request must be a TokenRequest")
        token = secrets.token_urlsafe(32)
        self._accounts[token] = (namespace, name, account["metadata"]["uid"])
        seconds = spec.get("expirationSeconds") or _USUAL_S
        ends = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "kind": "TokenRequest", "apiVersion": _API_VERSION, "metadata": {"name": name, "namespace": namespace},
            "spec": {"audiences": [], **spec, "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": ends},
        }  # fmt: skip
