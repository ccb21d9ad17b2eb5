"""The ways a secret is written."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_SHORTEST_PART = 8
"""Characters of a line, or of base64, by which a secret is known; fewer would be found anywhere."""


def spellings(secret: str) -> Iterator[str]:
    """In URIs, JSON, JSON in JSON, YAML, HTML, XML, shells, hexadecimal, base64 of it and of what holds it.

    A secret of several lines, such as a key, is known by each of its lines as well.
    """
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_PART}
    for value in {secret, secret.strip()} | {line for line in lines if not line.startswith("-----")}:
        yield value
        yield from _quoted(value)
        yield from _percent(value)
        yield from _marked_up(value)
        yield from _encoded(value)


def _quoted(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        # YAML writes \\xE4 where JSON writes \\u00e4.
        yield re.sub(r"\\u00([0-9a-f]{2})", lambda found: f"\\x{found[1].upper()}", once)
        yield from (once, twice, json.dumps(twice, ensure_ascii=ascii_only)[1:-1], html.escape(once))
    yield repr(value)[1:-1]
    yield repr(value.encode())[2:-1]
    yield value.replace("'", "''")
    yield value.replace("'", "'\\''")
    yield value.replace("'", "'\"'\"'")


def _percent(value: str) -> Iterator[str]:
    for percent in (quote(value, safe=""), quote_plus(value), quote(value)):
        lower = re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), percent)
        yield from (percent, lower, quote(percent, safe=""))


def _marked_up(value: str) -> Iterator[str]:
    whole = html.escape(value)
    yield whole
    yield whole.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield whole.replace("&#x27;", "&apos;")
    yield whole.replace("&#x27;", "'")
    yield html.escape(value, quote=False)
    yield re.sub(r"([\\`*_\[\]#|~<>&@])", r"\\\1", value)  # Markdown


def _encoded(value: str) -> Iterator[str]:
    """Hexadecimal, and base64: alone and as the core of a longer text, which begins at any of three places."""
    yield from (value.encode().hex(), value.encode().hex().upper())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(value.encode()).decode()
        yield whole
        yield whole.rstrip("=")
        for shift in range(3):
            # The first characters mix with what stands before, the last with what follows.
            data = b"\0" * shift + value.encode()
            core = encode(data).decode().rstrip("=")[-(-shift * 8 // 6) :]
            core = core[: len(core) - (len(data) % 3 != 0)]
            if len(core) >= _SHORTEST_PART:
                yield core
