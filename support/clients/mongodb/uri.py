"""Functions that take a database URI apart."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit

from support.config.mongodb_uri import problem_of, secrets_of

DEFAULT_PORT = 27017


def secrets_in(uri: str) -> tuple[str, ...]:
    """Return the secrets in a URI: its password and its secret options, as written and decoded."""
    return tuple(dict.fromkeys(secrets_of(uri)))


def why_unusable(uri: str) -> str:
    """Explain what is wrong with a URI that the driver refused, without its secrets."""
    if problem := problem_of(uri):
        return problem
    options = dict(parse_qsl(uri.partition("?")[2]))
    files = [value for name, value in options.items() if name.lower().endswith("file")]
    about = f", among them the file {files[0]}" if files else ""
    return f"an option cannot be used; the options are {', '.join(sorted(options)) or 'none'}{about}"


def hosts_of(uri: str) -> list[tuple[str, int]]:
    """Return host and port of each server in a URI; none for a URI whose servers are looked up in DNS."""
    scheme, _, _, hosts, _ = _parts(uri)
    if scheme.endswith("+srv"):
        return []
    parts = (urlsplit(f"//{one}") for one in hosts.split(","))
    return [(one.hostname or "", one.port or DEFAULT_PORT) for one in parts]


def with_changes(uri: str, password: str | None = None, address: str | None = None) -> str:
    """Return the URI with another password or another ``host:port``."""
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
    """Return the scheme, the user, the password, the hosts, and everything after the hosts."""
    scheme, _, after = uri.partition("://")
    end = min((after.index(mark) for mark in "/?" if mark in after), default=len(after))
    authority, rest = after[:end], after[end:]
    login, _, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    return scheme, user, password, hosts, rest
