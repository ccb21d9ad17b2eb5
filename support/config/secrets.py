"""Resolution of ``${VARIABLE}`` and ``file:`` in values, the sources of secrets, and their masking."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from support.config.documents import Origin
from support.config.errors import KeyPath
from support.config.mongodb_uri import SCHEMES, parts_of, secrets_of
from support.config.schema import SchemaNode

MASK = "***"
FILE_PREFIX = "file:"
LITERAL = "literal"
RUN_FILE = "run file"
FROM_FILE = "file"
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USERINFO = re.compile(r"^(?P<scheme>[a-z0-9+]+://)(?P<user>[^:@/]*):(?P<password>.*)@(?=[^@]*$)", re.DOTALL)


class Unusable(Exception):
    """A value that cannot be used; the text says why and never holds a secret."""


@dataclass(frozen=True)
class SettingsLayer:
    """One source of values, and the rules for reading them."""

    kind: Literal["environment file", "run file", "override"]
    origin: Origin
    directory: Path
    variables: Mapping[str, str]

    def resolve(self, value: Any, node: SchemaNode, path: KeyPath) -> tuple[Any, str]:
        """Return the resolved value and its source. Raises :class:`Unusable`."""
        source = {"environment file": LITERAL, "run file": RUN_FILE}.get(self.kind, self.origin.label)
        if not isinstance(value, str):
            return value, source
        if self.kind == "environment file" and "${" in value:
            value, source = self._interpolated(value)
        if node.shape == "secret" and self.kind != "run file" and value.startswith(FILE_PREFIX):
            return self._content(value.removeprefix(FILE_PREFIX)), FROM_FILE
        if node.shape == "path" and value:
            return self.path(value), source
        return value, source

    def path(self, value: str) -> Path:
        """Resolve a path: ``~`` is the home folder, and a relative path starts in the directory of this layer."""
        try:
            return self.directory / Path(value).expanduser()
        except RuntimeError as error:
            raise Unusable(f"{value!r} names a home folder that does not exist") from error

    def _content(self, name: str) -> str:
        return read_secret(self.path(name.strip()))

    def _interpolated(self, template: str) -> tuple[str, str]:
        names: list[str] = []
        userinfo = _USERINFO.match(template)
        options = template.index("?") if is_uri(template) and "?" in template else len(template)
        quoted = range(len(userinfo["scheme"]), userinfo.end()) if userinfo else range(0)

        def replacement(match: re.Match[str]) -> str:
            names.append(_variable_name(match))
            value = self.variables.get(names[-1])
            if not value:
                state = "is not set" if value is None else "is empty"
                raise Unusable(f"environment variable {names[-1]} {state}; it must hold the value")
            return quote(value, safe="") if match.start() in quoted or match.start() > options else value

        result = _PLACEHOLDER.sub(replacement, template)
        return result, f"environment variable {', '.join(dict.fromkeys(names))}"


def _variable_name(match: re.Match[str]) -> str:
    name = match[1]
    if not match[0].endswith("}") or not _NAME.fullmatch(name):
        # The text after the name may be a default that is a secret, so only the name is shown.
        known = _NAME.match(name)
        raise Unusable(
            f"the placeholder of {known[0] if known else 'no variable'} is not allowed; allowed: "
            f"${{NAME}}, without a default"
        )
    return name


def read_secret(path: Path) -> str:
    """Read a file that holds one secret, without the newline at its end. Raises :class:`Unusable`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Unusable(f"file {path} cannot be read: not UTF-8 text") from error
    except OSError as error:
        raise Unusable(f"file {path} cannot be read: {error.strerror}") from error
    secret = text.rstrip("\r\n")
    if not secret.strip():
        raise Unusable(f"file {path} is empty; it must hold the secret")
    # The value is not shown, because it is the secret.
    if not secret.isprintable():
        raise Unusable(f"file {path} holds a control character or several lines; allowed: one line with the secret")
    return secret


def is_literal_secret(value: Any) -> bool:
    """Whether a value in a secret field contains the secret itself. A URI without a password has nothing to hide."""
    if value is None:
        return False
    text = str(value)
    if text.startswith(FILE_PREFIX):
        return False
    if is_uri(text):
        return any("${" not in secret for secret in secrets_of(text) if secret != _user_of(text))
    return "${" not in text


def is_uri(value: str) -> bool:
    """Whether a secret is a MongoDB URI. A ``://`` alone does not decide, because a password may contain it."""
    return value.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def masked(value: str) -> str:
    """Return a secret as it may be recorded: a URI without its secrets, anything else as ``***``."""
    if not is_uri(value):
        return MASK
    for secret in sorted(secrets_of(value), key=len, reverse=True):
        value = value.replace(secret, MASK)
    return value


def without_userinfo(url: str) -> str:
    """Mask a password in the value of a field that is not secret: it may be in a URL, although it must not."""
    return re.sub(r"^(\w[\w+.-]*://)([^:@/]*:)?[^\s]*@", rf"\1\2{MASK}@", url)


def spellings(value: str) -> Iterator[str]:
    """Yield the texts to redact if ``value`` is secret: itself, and the secrets in a URI, as written and decoded."""
    if value and not is_uri(value):
        yield from (value, quote(value, safe=""))
    elif found := list(secrets_of(value)):
        yield from (value, *found)


def _user_of(uri: str) -> str:
    """Return the user of a URI without a password. A file may contain it, because it is only a name."""
    login = parts_of(uri.partition("://")[2])[0] or ""
    return "" if ":" in login else login
