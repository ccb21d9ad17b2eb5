"""Taking a database URI apart."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit

from support.config.mongodb_uri import problem_of, secrets_of

DEFAULT_PORT = 27017


def secrets_in(uri: str) -> tuple[str, ...]:
    """What must not be shown of a URI: its password and its secret options, as written and as meant."""
    return tuple(dict.fromkeys(secrets_of(uri)))


def why_unusable(uri: str) -> str:
    """What is wrong with a URI the driver refused, in words that hold nothing of its secrets."""
    if problem := problem_of(uri):
        return problem
    options = dict(parse_qsl(uri.partition("?")[2]))
    files = [value for name, value in options.items() if name.lower().endswith("file")]
    about = f", among them the file {files[0]}" if files else ""
    return f"an option cannot be used; the options are {', '.join(sorted(options)) or 'none'}{about}"


def hosts_of(uri: str) -> list[tuple[str, int]]:
    """Host and port of each server that a URI names; none where DNS has to be asked for them."""
    scheme, _, _, hosts, _ = _parts(uri)
    if scheme.endswith("+srv"):
        return []
    parts = (urlsplit(f"//{one}") for one in hosts.split(","))
    return [(one.hostname or "", one.port or DEFAULT_PORT) for one in parts]


def with_changes(uri: str, password: str | None = None, address: str | None = None) -> str:
    """The URI with another password or another ``host:port``."""
    scheme, user, old_password, hosts, rest = _parts(uri)
    if password is not None:
        if not user:
            raise ValueError("the database URI names no user whose password could be changed")
        old_password = quote(password, safe="")
    if address is not None:
        scheme, hosts = "mongodb", address
    login = f"{user}:{old_password}@" if user else ""
    return f"{scheme}://{login}{hosts}{rest}"


def _parts(uri: str) -> tuple[str, str, str, str, str]:
    """Scheme, user, password, hosts, and everything after the hosts."""
    scheme, _, after = uri.partition("://")
    end = min((after.index(mark) for mark in "/?" if mark in after), default=len(after))
    authority, rest = after[:end], after[end:]
    login, _, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    return scheme, user, password, hosts, rest
