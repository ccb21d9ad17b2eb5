"""Ensures that only environments of kind production, which have strict rules, name endpoints of production."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.config.documents import read_yaml
from support.config.environment import Environment
from support.config.errors import KeyPath

_LOOPBACK = re.compile(r"localhost|127\.[\d.]+|::1")


def names_production(environment: Environment, directory: Path) -> Iterator[tuple[KeyPath, str]]:
    """Yield the endpoints of a non-production ``environment`` that belong to a production one in ``directory``."""
    if environment.kind == "production":
        return
    production = _production_hosts(directory)
    for path, host in _hosts_of(environment):
        if host in production:
            yield path, f"host {host} is not allowed; it belongs to the production environment {production[host]}"


def _production_hosts(directory: Path) -> dict[str, str]:
    """Map the hosts of each production environment, as written in its file, to its name."""
    hosts: dict[str, str] = {}
    for path in sorted(directory.glob("*.yaml")):
        state = path.stat()
        hosts |= dict.fromkeys(_protected_by(path, (state.st_mtime_ns, state.st_size, state.st_ino)), path.stem)
    return hosts


@lru_cache
def _protected_by(path: Path, _: tuple[int, int, int]) -> frozenset[str]:
    """Return the hosts in a file if it is that of a production environment, else none.

    The second argument is the state of the file: the cache reads the file again when it has changed.
    """
    # A file that cannot be read must stop this run: the hosts it protects would be unknown.
    data = read_yaml(path).data
    identity = data.get("identity")
    if not isinstance(identity, dict) or identity.get("kind") != "production":
        return frozenset()
    return frozenset(host for _, host in _hosts_in(data, ()) if not _LOOPBACK.fullmatch(host))


def _hosts_of(environment: Environment) -> Iterator[tuple[KeyPath, str]]:
    data = environment.model_dump(mode="python", by_alias=True)
    if environment.mongodb_section is not None:
        data["mongodb"]["uri"] = environment.mongodb_section.uri.get_secret_value()
    yield from _hosts_in(data, ())


def _hosts_in(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _hosts_in(item, (*path, str(key)))
    elif isinstance(value, str) and path[-1] == "host":
        yield path, value.lower()
    elif isinstance(value, str) and path[-1] in ("base_url", "api_server", "url", "uri"):
        for address in _addresses(value):
            yield path, address


def _addresses(url: str) -> Iterator[str]:
    """Yield the hosts in a URL. A MongoDB URI may name several."""
    scheme, _, rest = url.partition("://")
    for host in re.split(r"[/?]", rest.rpartition("@")[2], maxsplit=1)[0].split(","):
        name = urlsplit(f"{scheme}://{host}").hostname if "$" not in host else None
        if name:
            yield name
