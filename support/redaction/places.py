"""Secrets that were not registered: recognised by their form, or by the name before them.

Each kind of place is searched for by plain words in lower case, which is cheap, and examined only where one of them is
found. The examined part ends with a word, a line or a value, so that the time of each kind is proportional to the
length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

HIDDEN = "***"

_KEYWORDS = "password|passwd|pwd|passphrase|token|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key"
_WORD = rf"(?:{_KEYWORDS})(?:[_-](?:key|id|value))*"
"""Words with which the name of a secret ends."""
NAME = rf"[\w.-]*{_WORD}"
_QUOTE = r"\\*+[\"']"
_NOTHING = r"(?!null\b|none\b|true\b|false\b|\*\*\*|\$\{|file:)"
_IN_QUOTES = r"(?:(?!(?P=quote)).)"
_SPACE = r"(?:\s|\\++[nrt])"
"""White space, also written with a backslash, as in the ``repr`` of a text and in a line of a program."""
_IS = rf"(?:{_QUOTE})?{_SPACE}*[:=]{_SPACE}*"
_SCHEME = r"(?:bearer|basic|digest|token|negotiate|ntlm|hawk|(?:api-?)?key)"
_LONGEST_NAME = 256
"""Maximum number of characters of an option or of the scheme of a URL that are searched backwards."""

Span = tuple[int, int]
"""Start and end of a secret."""


class SecretPlace(Protocol):
    """A kind of place where a secret can occur."""

    def secrets(self, text: str, letters: str) -> Iterator[Span]:
        """Yield the spans of the secrets in ``text``, in order. ``letters`` is ``text`` after :func:`small`."""


@dataclass(frozen=True)
class _Examined:
    """Place that is examined with ``pattern`` where ``word`` is found in the lower-case text. The group ``secret`` is
    the secret, provided that the text before the match ends with ``follows``."""

    word: re.Pattern[str]
    pattern: re.Pattern[str]
    follows: re.Pattern[str] | None

    def secrets(self, text: str, letters: str) -> Iterator[Span]:
        position = 0
        while found := self.word.search(letters, position):
            at = found.start()
            match = self.pattern.match(text, at)
            if match is not None and (
                self.follows is None or self.follows.search(text, max(0, at - _LONGEST_NAME), at)
            ):
                yield match.span("secret")
                position = match.end()
            else:
                position = at + 1


def _place(word: str, pattern: str, follows: str | None = None) -> SecretPlace:
    return _Examined(re.compile(word), re.compile(pattern), None if follows is None else re.compile(rf"{follows}\Z"))


class _Passwords:
    """Passwords in URLs. A password may contain :// and @, so it extends to the last @. Text that looks like a port and
    a path is not a password."""

    _BEGINS = re.compile(r"(?<=\w)://[^/@\s:\"'\\]*+:(?!\d{1,5}(?:[/?\s\"'\\]|$))")
    _REST = re.compile(r"[^\s\"'\\<>]*")

    def secrets(self, text: str, letters: str) -> Iterator[Span]:
        position = end = last = 0
        while found := self._BEGINS.search(text, position):
            begin = found.end()
            if begin >= end:
                end = self._end_of_run(text, begin)
                last = text.rfind("@", begin, end)
            if last > begin:
                yield begin, last
            position = max(found.start() + 1, last)

    def _end_of_run(self, text: str, begin: int) -> int:
        match = self._REST.match(text, begin)
        assert match is not None
        return match.end()


class _WebTokens:
    """JSON web tokens: two objects of JSON and a signature, each in base64, with dots between them."""

    _FROM_DOT = re.compile(r"\.eyJ[\w-]{8,}+\.[\w-]+")
    _FIRST = re.compile(r"\beyJ[\w-]{8,}+\Z")
    _RUN = re.compile(r"[\w-]*")

    def secrets(self, text: str, letters: str) -> Iterator[Span]:
        before = 0
        while (dot := text.find(".eyJ", before)) >= 0:
            rest = self._FROM_DOT.match(text, dot)
            begun = self._FIRST.search(text, self._begin_of_run(text, before, dot), dot) if rest else None
            if rest and begun:
                yield begun.start(), rest.end()
            before = rest.end() if rest and begun else dot + 1

    def _begin_of_run(self, text: str, before: int, end: int) -> int:
        match = self._RUN.match(text[before:end][::-1])
        assert match is not None
        return end - match.end()


PLACES: tuple[SecretPlace, ...] = (
    _place(
        "-----begin ",
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<secret>.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    ),
    _WebTokens(),
    _place(
        "authorization",
        rf"(?i)\bauthorization{_IS}(?:{_QUOTE})?(?P<secret>(?:{_SCHEME}\s+)?[^\s\"',}}\\]+)",
    ),
    _place("bearer", r"(?i)\bbearer\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})"),
    _place("cookie", rf"(?i)\bcookie{_IS}(?:{_QUOTE})?(?P<secret>[^\r\n\"'\\]+)"),
    # A name and a value beside it, as a pod lists its environment: JSON, JSON in JSON, Python, YAML.
    _place(
        "name",
        rf"(?i)name(?:{_QUOTE})?\s*:\s*(?:{_QUOTE})?{NAME}(?:{_QUOTE})?(?:{_SPACE}|,)+"
        rf"(?:{_QUOTE})?value(?:{_QUOTE})?\s*:\s*"
        rf"(?:(?P<quote>{_QUOTE})|{_NOTHING})"
        rf"(?P<secret>(?(quote){_IN_QUOTES}*(?=(?P=quote))|[^\s,}}\]]+))",
    ),
    _place(_KEYWORDS, rf"(?i){_WORD}{_IS}(?P<quote>{_QUOTE}){_NOTHING}(?P<secret>{_IN_QUOTES}+)(?P=quote)"),
    _place(_KEYWORDS, rf"(?i){_WORD}{_IS}{_NOTHING}(?P<secret>[^\s\"',&;{{}}\[\]\\]+)"),
    _place(_KEYWORDS, rf"(?i){_WORD}\s+(?:{_QUOTE})?(?P<secret>[^\s\"',\\]+)", follows=r"--[\w.-]*"),
    _place(
        "-u|--user|--proxy-user",
        rf"(?<!\S)(?:-u|--user|--proxy-user)[\s=]*+(?:{_QUOTE})?[^\s:\"'\\]*+:(?P<secret>[^\s\"'\\]+)",
    ),
    _Passwords(),
    _place(
        "://",
        r"://(?![^/@\s]*\*\*\*)(?P<secret>[^/@\s:\"'\\]{8,}+)@",
        follows=r"(?i)\b(?!ssh)[a-z][\w+.-]*",
    ),
)
"""Places in the order of the search: each sees what the ones before it have left."""

_ANY_WORD = re.compile(f"{_KEYWORDS}|-----begin |\\.eyj|authorization|bearer|cookie|-u|--user|--proxy-user|://")
_SECRET_NAME = re.compile(NAME, re.IGNORECASE)
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
KEY_ENDS = "-----END"
_NAME_WITHOUT_VALUE = re.compile(rf"(?i)name\W{{1,64}}{NAME}\W{{0,64}}\n\Z")
_LIKE_SMALL = {0x17F: "s", 0x131: "i"}
"""Letters that Python's case-insensitive patterns match with these."""


def small(text: str) -> str:
    """Return ``text`` in lower case, with each letter in its original position."""
    letters = text.lower()
    if text.isascii():
        return letters
    if len(letters) != len(text):
        letters = "".join(sign.lower()[0] for sign in text)
    return letters.translate(_LIKE_SMALL)


def may_hold_secrets(letters: str) -> bool:
    """Whether a text in lower case may contain any of the places."""
    return _ANY_WORD.search(letters) is not None


def is_name_of_a_secret(name: str) -> bool:
    """Whether this is the name of a secret, such as ``AWS_SECRET_ACCESS_KEY``."""
    return _SECRET_NAME.fullmatch(name) is not None


def finished_until(text: str) -> int:
    """Return the end of the lines whose secrets are complete. The rest may hold the beginning of a longer secret."""
    begun = _KEY_BEGINS.search(text, max(0, text.rfind(KEY_ENDS)))
    begun = begun or _NAME_WITHOUT_VALUE.search(text, max(0, len(text) - 2 * _LONGEST_NAME))
    return len(text) if begun is None else text.rfind("\n", 0, begun.start()) + 1
