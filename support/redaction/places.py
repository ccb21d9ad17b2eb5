"""Secrets that nobody told of: recognised by their form, or by the name that stands before them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

HIDDEN = "***"

_WORD = r"[\w.-]*(?:password|passwd|pwd|passphrase|token|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key)"
_NAME = rf"{_WORD}(?:[_-](?:key|id|value))*"
_QUOTE = r"\\*[\"']"
_NOTHING = r"(?!null\b|none\b|true\b|false\b|\*\*\*|\$\{|file:)"

PLACES = (
    (
        re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:(-----END [A-Z ]*PRIVATE KEY-----)|\Z)", re.DOTALL),
        rf"\1{HIDDEN}\2",
    ),
    (re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"), HIDDEN),
    (
        re.compile(
            rf"(?i)(\b(?:proxy-)?authorization(?:{_QUOTE})?\s*[:=]\s*(?:{_QUOTE})?)(?:(?:bearer|basic)\s+)?[^\s\"',}}\\]+"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)(\b(?:set-)?cookie(?:{_QUOTE})?\s*[:=]\s*(?:{_QUOTE})?)[^\r\n\"'\\]+"), rf"\1{HIDDEN}"),
    # A name and a value beside it, as a pod lists its environment: JSON, JSON in JSON, Python, YAML.
    (
        re.compile(
            rf"(?i)((?:{_QUOTE})?name(?:{_QUOTE})?\s*:\s*(?:{_QUOTE})?{_NAME}(?:{_QUOTE})?[\s,]+(?:{_QUOTE})?value(?:{_QUOTE})?\s*:\s*)"
            rf"(?:({_QUOTE})(?:(?!\2).)*\2|{_NOTHING}[^\s,}}\]]+)"
        ),
        rf"\1\2{HIDDEN}\2",
    ),
    (re.compile(rf"(?i)(\b{_NAME}(?:{_QUOTE})?\s*[:=]\s*)({_QUOTE}){_NOTHING}(?:(?!\2).)+\2"), rf"\1\2{HIDDEN}\2"),
    (re.compile(rf"(?i)(\b{_NAME}(?:{_QUOTE})?\s*[:=]\s*){_NOTHING}[^\s\"',&;{{}}\[\]\\]+"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)(--{_NAME}\s+)({_QUOTE})?[^\s\"',\\]+"), rf"\1\2{HIDDEN}"),
    (re.compile(rf"((?:^|\s)(?:-u|--user|--proxy-user)[\s=]*(?:{_QUOTE})?[^\s:\"'\\]+:)[^\s\"'\\]+"), rf"\1{HIDDEN}"),
    # A password may hold :// and @; what looks like a port and a path is none.
    (re.compile(r"(\w://[^/@\s:\"'\\]*:)(?!\d{1,5}(?:[/?\s\"'\\]|$))[^\s\"'\\<>]+(@)"), rf"\1{HIDDEN}\2"),
    (re.compile(r"(?i)(\b(?!ssh)[a-z][\w+.-]*://)(?![^/@\s]*\*\*\*)[^/@\s:\"'\\]{8,}(@)"), rf"\1{HIDDEN}\2"),
)
"""Each pattern, and what is shown in the place of what it finds."""

_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_UNFINISHED = re.compile(rf"(?is)(?:name\W+{_NAME}\W*\n|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END).)*)\Z")
_LOGIN = re.compile(r"\w://[^/@\s:]*:([^\s]+)@")
_NO_SECRETS = frozenset({"PWD", "OLDPWD"})
"""Folders, whatever they are called."""
_SHORTEST = 8
"""A value of fewer characters under the name of a secret is a switch or a number, and would be found anywhere."""


def is_name_of_a_secret(name: str) -> bool:
    """Whether what this names is a secret, such as ``AWS_SECRET_ACCESS_KEY``."""
    return _SECRET_NAME.fullmatch(name) is not None


def is_unfinished(text: str) -> bool:
    """Whether the lines to come may belong to a secret that begins at the end of ``text``."""
    return _UNFINISHED.search(text) is not None


def secrets_among(variables: Mapping[str, str]) -> Iterator[str]:
    """Of environment variables, the values whose names say that they are secret, and the passwords of URLs."""
    for name, value in variables.items():
        if is_name_of_a_secret(name) and name not in _NO_SECRETS and len(value) >= _SHORTEST:
            yield value
        yield from _LOGIN.findall(value)
