"""The rights that roles grant: Role, ClusterRole and their bindings, read from the store at each request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from environments.sandbox.kubernetes.store.object_store import Store

Object = dict[str, Any]

ACCOUNT = "system:serviceaccount:"
_EVERYBODY = "system:authenticated"
_ALL = "*"


@dataclass(frozen=True)
class Asked:
    """One action for which a right is checked. ``resource`` includes the subresource, as in ``pods/log``."""

    verb: str
    group: str
    resource: str
    namespace: str | None = None
    name: str = ""

    @property
    def plural(self) -> str:
        return self.resource.partition("/")[0]

    @property
    def qualified(self) -> str:
        """The name used in messages: ``pods``, ``jobs.batch``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def verb_of(method: str, watch: bool, name: str | None) -> str:
    """Return the verb of a request as rules name it."""
    if method in ("GET", "HEAD"):
        return "watch" if watch else "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())


class Roles:
    """The rules that bindings grant to a user. A binding to a role that does not exist grants nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allow(self, user: str, asked: Asked) -> bool:
        return any(_covers(rule, asked) for rule in self.rules(user, asked.namespace))

    def rules(self, user: str, namespace: str | None) -> Iterator[Object]:
        """Yield the user's rules for the whole cluster and, if given, for a namespace."""
        bindings = list(self._store.list("clusterrolebindings"))
        if namespace:
            bindings += self._store.list("rolebindings", namespace)
        for binding in bindings:
            if any(_is_meant(subject, user) for subject in binding.get("subjects") or ()):
                yield from self._rules_of(binding["roleRef"], binding["metadata"].get("namespace"))

    def _rules_of(self, reference: Mapping[str, Any], namespace: str | None) -> Iterator[Object]:
        if reference["kind"] == "Role":
            role = self._store.find("roles", reference["name"], namespace)
        else:
            role = self._store.find("clusterroles", reference["name"])
        yield from (role or {}).get("rules") or ()


def _is_meant(subject: Mapping[str, Any], user: str) -> bool:
    kind, name = subject["kind"], subject["name"]
    if kind == "ServiceAccount":
        return user == f"{ACCOUNT}{subject.get('namespace')}:{name}"
    return name in _groups(user) if kind == "Group" else name == user


def _groups(user: str) -> set[str]:
    groups = {_EVERYBODY}
    if user.startswith(ACCOUNT):
        namespace = user.removeprefix(ACCOUNT).partition(":")[0]
        groups |= {"system:serviceaccounts", f"system:serviceaccounts:{namespace}"}
    return groups


def _covers(rule: Mapping[str, Any], asked: Asked) -> bool:
    names = rule.get("resourceNames") or ()
    return (
        _has(rule, "verbs", asked.verb)
        and _has(rule, "apiGroups", asked.group)
        and (_has(rule, "resources", asked.resource) or _covers_subresource(rule, asked.resource))
        and (not names or asked.name in names)
    )


def _covers_subresource(rule: Mapping[str, Any], resource: str) -> bool:
    subresource = resource.partition("/")[2]
    return bool(subresource) and f"{_ALL}/{subresource}" in (rule.get("resources") or ())


def _has(rule: Mapping[str, Any], field: str, value: str) -> bool:
    values = rule.get(field) or ()
    return value in values or _ALL in values
