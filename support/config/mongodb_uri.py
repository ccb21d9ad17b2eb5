"""Checks of a MongoDB URI as the driver reads it: its errors, and the secrets that must not be shown.

The driver's own messages are not used: they may contain a part of a password that was not percent-encoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, unquote_plus

SCHEMES = ("mongodb", "mongodb+srv")
_SECRET_OPTION = re.compile(r"(?i)password|secret|token|passphrase|^authmechanismproperties$|key$")
_HOST = re.compile(r"(?i)[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+(%[a-z0-9]+)?\]")


def problem_of(uri: str) -> str | None:
    """Return what is wrong with a URI and what is allowed, without its secrets; None if the URI is valid."""
    scheme, separator, after = uri.partition("://")
    if not separator or scheme not in SCHEMES:
        return "allowed: a URI that begins with mongodb:// or mongodb+srv://"
    if any(not letter.isprintable() or letter == " " for letter in uri):
        return "it holds a blank or a control character; allowed: only their percent-encodings"
    login, hosts, options = parts_of(after)
    if login is not None and any(mark in login for mark in "/?#[]@"):
        return "user or password hold one of / ? # [ ] @; allowed: only their percent-encodings, such as %2F"
    if login is not None and login.count(":") > 1:
        return "the password holds a colon; allowed: only its percent-encoding %3A"
    if login is not None and re.search(r"%(?![0-9A-Fa-f]{2})", login):
        return "user or password hold a % that begins no percent-encoding; allowed: %25"
    return _problem_of_hosts(hosts, scheme) or _problem_of_options(options)


def parts_of(after_scheme: str) -> tuple[str | None, str, str]:
    """Return user and password (None without any), hosts and options.

    The password may contain characters that should have been percent-encoded.
    """
    end = min((after_scheme.index(mark) for mark in "/?" if mark in after_scheme), default=len(after_scheme))
    authority, rest = after_scheme[:end], after_scheme[end:]
    path, _, options = rest.partition("?")
    hosts = authority.rpartition("@")[2]
    if "@" in path or ("@" in rest and _problem_of_hosts(hosts, SCHEMES[0]) is not None):
        # What seems to be a path or an option belongs to a password that was not percent-encoded.
        login, _, rest = after_scheme.rpartition("@")
        hosts, _, options = rest.partition("?")
        return login, hosts.partition("/")[0], options
    login, at, hosts = authority.rpartition("@")
    return (login if at else None), hosts, options


def secrets_of(uri: str) -> Iterator[str]:
    """Yield the password (or the user, if there is no password) and the secret options, as written and decoded."""
    scheme, separator, after = uri.partition("://")
    login, _, options = parts_of(after if separator else scheme)
    if login:
        user, colon, password = login.partition(":")
        yield from _spellings(password if colon else user)
    for name, value in parse_qsl(options, keep_blank_values=False):
        if _SECRET_OPTION.search(name):
            yield from _spellings(value)
    for written in re.findall(r"[?&]([^=&]+)=([^&]+)", f"?{options}"):
        if _SECRET_OPTION.search(written[0]):
            yield from _spellings(written[1])


def _spellings(value: str) -> Iterator[str]:
    yield from (form for form in (value, unquote(value), unquote_plus(value)) if form)
    # AWS_SESSION_TOKEN:x,SERVICE_NAME:y
    for pair in unquote(value).split(","):
        key, colon, inner = pair.partition(":")
        if colon and _SECRET_OPTION.search(key) and inner:
            yield inner


def _problem_of_hosts(hosts: str, scheme: str) -> str | None:
    if not hosts:
        return "it names no host; allowed: mongodb://HOST:PORT"
    for one in hosts.split(","):
        name, colon, port = one.rpartition(":") if re.search(r":[^\]]*$", one) else (one, "", "")
        if colon and scheme == "mongodb+srv":
            return "a mongodb+srv:// URI names no port; allowed: a host name only"
        if colon and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            return "the port is none; allowed: a number from 1 to 65535"
        if not _HOST.fullmatch(name):
            return "the host is none; allowed: a name or an address, several with commas between them"
    return None


def _problem_of_options(options: str) -> str | None:
    for pair in filter(None, options.split("&")):
        if "=" not in pair:
            return "an option has no value; allowed: ?name=value&name=value"
    return None
