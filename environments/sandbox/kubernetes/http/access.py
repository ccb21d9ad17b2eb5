"""Authentication of requests and authorization of their users.

Users of the configuration have all rights on the cluster's objects, like the administrator's kubeconfig of the real
system. The exception is the viewer, who may read everything but secrets. Only the node may write its measurements.
Service accounts with a token that the API issued, and impersonated users (``kubectl --as``) that the configuration
does not name, have the rights that roles grant them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from environments.sandbox.kubernetes.http.audit import AuditLog
from environments.sandbox.kubernetes.http.roles import Asked, Roles
from environments.sandbox.kubernetes.http.tokens import IssuedTokens
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request
from environments.sandbox.kubernetes.store.object_store import Store

NODE_USER = "system:node"
VIEWER = "viewer"
READING = ("get", "list", "watch")
_NOT_FOR_VIEWERS = ("secrets", "pods/exec", "pods/portforward", "serviceaccounts/token")
_BEARER = "Bearer "
_AS, _AS_USER = "impersonate-", "impersonate-user"


@dataclass(frozen=True)
class User:
    """The user of a request. ``is_given`` if the configuration of the sandbox names that user."""

    name: str
    is_given: bool = True


class Access:
    """Checks the token of a request and the rights of its user."""

    def __init__(self, store: Store, tokens: Mapping[str, str], audit: AuditLog) -> None:
        self.roles = Roles(store)
        self.issued = IssuedTokens(store)
        self._given = tokens
        self._audit = audit

    def authenticated(self, request: web.Request) -> User:
        """Return the user of the bearer token, or the user it impersonates.

        Raises :class:`ApiError` 401 without a known token and 403 if the user may not impersonate.
        """
        user = self._user_of(request.headers.get("Authorization", ""))
        if user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        unknown = [each for each in request.headers if each.lower().startswith(_AS) and each.lower() != _AS_USER]
        if unknown:
            raise bad_request(f"the sandbox does not know the header {unknown[0]}")
        other = request.headers.get(_AS_USER)
        if other is None:
            return user
        if not self.may(user, Asked("impersonate", "", "users", name=other)):
            message = f'User "{user.name}" cannot impersonate resource "users" in API group "" at the cluster scope'
            details = {"name": other, "kind": "users"}
            raise ApiError(403, "Forbidden", f'users "{other}" is forbidden: {message}', details)
        return User(other, other in self._given.values())

    def _user_of(self, header: str) -> User | None:
        token = header.removeprefix(_BEARER) if header.startswith(_BEARER) else ""
        given = self._given.get(token)
        if given is not None:
            return User(given)
        account = self.issued.account_of(token)
        return None if account is None else User(account, is_given=False)

    def may(self, user: User, asked: Asked) -> bool:
        """Whether the user has the right to do this."""
        if not user.is_given:
            return self.roles.allow(user.name, asked)
        if user.name == VIEWER:
            return asked.verb in READING and asked.resource not in _NOT_FOR_VIEWERS
        return True

    def authorize(self, user: User, asked: Asked, path: str) -> None:
        """Raise 403 with the real server's message if the user lacks the right. Both outcomes go to the audit log."""
        allowed = self.may(user, asked)
        self._audit.note(user.name, asked, path, allowed)
        if allowed:
            return
        where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
        what = f'{asked.qualified} "{asked.name}"' if asked.name else asked.qualified
        message = (
            f'User "{user.name}" cannot {asked.verb} resource "{asked.resource}" in API group "{asked.group}" {where}'
        )
        details = {"name": asked.name, **({"group": asked.group} if asked.group else {}), "kind": asked.plural}
        raise ApiError(403, "Forbidden", f"{what} is forbidden: {message}", details)


def only_node(user: User, path: str) -> None:
    if user.name != NODE_USER:
        raise ApiError(403, "Forbidden", f'forbidden: User "{user.name}" cannot post path "{path}"', {})
