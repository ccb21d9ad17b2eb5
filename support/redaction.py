"""What must not be shown: the secrets this process knows, in every spelling, and those everybody recognises.

There is one redactor for each process, :data:`PROCESS`. Whatever leaves the process as text passes through it: the
journal, the record, every file that is written, every error that is printed.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

HIDDEN = "***"
_SHORTEST_CORE = 8
"""Characters of base64 by which a secret is known inside of a longer encoded text; fewer would be found anywhere."""

_WORD = r"[\w.-]*(?:password|passwd|pwd|passphrase|token|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key)"
_NAME = rf"{_WORD}(?:[_-](?:key|id|value))*"
_QUOTE = r"\\*[\"']"
_NOTHING = r"(?!null\b|none\b|true\b|false\b|\*\*\*|\$\{|file:)"

# Secrets nobody told us about but that are recognisable by where they stand.
_PLACES = (
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
        rf"\1{HIDDEN}",
    ),
    (re.compile(rf"(?i)(\b{_NAME}(?:{_QUOTE})?\s*[:=]\s*)({_QUOTE}){_NOTHING}(?:(?!\2).)+\2"), rf"\1\2{HIDDEN}\2"),
    (re.compile(rf"(?i)(\b{_NAME}(?:{_QUOTE})?\s*[:=]\s*){_NOTHING}[^\s\"',&;{{}}\[\]\\]+"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)(--{_NAME}\s+)({_QUOTE})?[^\s\"',\\]+"), rf"\1\2{HIDDEN}"),
    (re.compile(rf"((?:^|\s)(?:-u|--user|--proxy-user)[\s=]*(?:{_QUOTE})?[^\s:\"'\\]+:)[^\s\"'\\]+"), rf"\1{HIDDEN}"),
    # A password may hold :// and @; what looks like a port and a path is none.
    (re.compile(r"(\w://[^/@\s:\"'\\]*:)(?!\d{1,5}(?:[/?\s\"'\\]|$))[^\s\"'\\<>]+(@)"), rf"\1{HIDDEN}\2"),
    (re.compile(r"(?i)(\b(?!ssh)[a-z][\w+.-]*://)(?![^/@\s]*\*\*\*)[^/@\s:\"'\\]{8,}(@)"), rf"\1{HIDDEN}\2"),
)


_SHORT = 4
"""A secret of fewer characters is hidden where it is a word of its own: inside of words it would hide the words."""


def _pattern_of(secret: str) -> str:
    text = re.escape(secret)
    return text if len(secret) >= _SHORT else rf"(?<!\w){text}(?!\w)"


class Redactor:
    """Hides secrets in texts; safe to use from several threads. A secret learnt later is hidden from then on."""

    def __init__(self, *secrets: str) -> None:
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._longest = 0
        self.hide(*secrets)

    @property
    def longest(self) -> int:
        """Characters of the longest spelling of a secret."""
        return self._longest

    def hide(self, *secrets: str) -> None:
        """Treat these values, and their usual encodings, as secret from now on."""
        with self._lock:
            before = len(self._secrets)
            for secret in secrets:
                if secret.strip() and secret != HIDDEN:
                    self._secrets.update(spellings(secret))
            if len(self._secrets) != before:
                longest_first = sorted(self._secrets, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(_pattern_of, longest_first)))
                self._longest = len(longest_first[0])

    def redact(self, text: str, limit: int | None = None) -> str:
        """``text``, or its first ``limit`` characters, without secrets."""
        shown = self.known(text, limit)
        for place, replacement in _PLACES:
            shown = place.sub(replacement, shown)
        return shown

    def known(self, text: str, limit: int | None = None) -> str:
        """``text`` without the secrets that were told: for a text that must keep its form, such as JSON."""
        end = len(text) if limit is None else limit
        parts: list[str] = []
        position = 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            if match.start() >= end:
                break
            parts += [text[position : match.start()], HIDDEN]
            position = match.end()
        parts.append(text[position:end])
        return "".join(parts)


PROCESS = Redactor()
"""What this process must not show."""


def spellings(secret: str) -> Iterator[str]:
    """The ways a secret is written: in URIs, JSON, JSON in JSON, YAML, HTML, base64 of it and of what holds it."""
    plain = {secret, secret.strip()}
    for value in plain:
        yield value
        yield from _quoted(value)
        for percent in (quote(value, safe=""), quote_plus(value), quote(value)):
            yield percent
            yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), percent)
        yield html.escape(value)
        yield html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        yield from _encoded(value)


def _quoted(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        # YAML writes \\xE4 where JSON writes \\u00e4.
        yield re.sub(r"\\u00([0-9a-f]{2})", lambda found: f"\\x{found[1].upper()}", once)
        yield from (once, twice, json.dumps(twice, ensure_ascii=ascii_only)[1:-1], html.escape(once))
    yield repr(value)[1:-1]
    yield value.replace("'", "''")
    yield value.replace("'", "'\\''")


def _encoded(value: str) -> Iterator[str]:
    """Base64, alone and as the core of a longer text, which begins at any of three places."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(value.encode()).decode()
        yield whole
        yield whole.rstrip("=")
        for shift in range(3):
            # The first characters mix with what stands before, the last with what follows.
            data = b"\0" * shift + value.encode()
            core = encode(data).decode().rstrip("=")[-(-shift * 8 // 6) :]
            core = core[: len(core) - (len(data) % 3 != 0)]
            if len(core) >= _SHORTEST_CORE:
                yield core
