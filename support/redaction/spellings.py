"""The ways a secret is written, as a pattern that finds all of them.

Each letter may be written in another way, whatever was done to the others, and again by whatever writes that: JSON in
JSON, HTML in YAML, a line of a shell in both.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator

LONGEST_LETTER = 12
"""Characters that one letter of a secret may take, where it is written as it usually is."""
_SHORT = 4
"""A secret of fewer characters is hidden where it is a word of its own: inside of words it would hide the words."""
_SHORTEST_PART = 8
"""Characters of a line, or of base64, by which a secret is known; fewer would be found anywhere."""
_CONTROL = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


def patterns_of(secret: str) -> Iterator[str]:
    """A secret of several lines, such as a key, is known by each of its lines as well."""
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_PART}
    for value in {secret, secret.strip()} | {line for line in lines if not line.startswith("-----")}:
        written = "".join(_letter(sign, first=number == 0) for number, sign in enumerate(value))
        yield written if len(value) >= _SHORT else rf"(?<!\w){written}(?!\w)"
        for encoded in _encoded(value):
            yield "".join(sign if sign.isalnum() else _letter(sign, first=False) for sign in encoded)


def _letter(sign: str, *, first: bool) -> str:
    """The ways of one letter. Before each of them there may be backslashes, but for those of the very first one."""
    if sign.isascii() and sign.isalnum():
        return sign if first else f"{_ESCAPES}{sign}"
    if sign in _QUOTES:
        # Doubled in YAML and CSV; a shell ends its quotation before one, and begins another one after it.
        return (
            f"{_ESCAPES}{_one_of(_forms(sign))}(?:{_ESCAPES}{_one_of(_forms(_QUOTES[0]) + _forms(_QUOTES[1]))}){{0,64}}"
        )
    if sign == "\\":
        return f"(?:{_ESCAPE}+|{_one_of(_forms(sign)[2:])})"
    return f"{_ESCAPES}{_one_of(_forms(sign))}"


def _one_of(forms: list[str]) -> str:
    return f"(?:{'|'.join(forms)})"


def _forms(sign: str) -> list[str]:
    """A letter as it is, percent-encoded, escaped by its number, and in HTML, each of them perhaps more than once."""
    code = ord(sign)
    forms = [re.escape(sign), "".join(_percent(byte) for byte in sign.encode())]
    forms += ["".join(f"{_ESCAPES}u{_hex(unit)}" for unit in re.findall("....", sign.encode("utf-16-be").hex()))]
    forms += ["".join(f"{_ESCAPES}x{_hex(f'{byte:02x}')}" for byte in sign.encode())]
    forms += [f"x{_hex(f'{code:02x}')}"] if code < 256 else []
    forms += [f"{_AND}{_NUMBER}(?:0*{code}|[xX]0*{_hex(f'{code:x}')}){_END}"]
    named = html.escape(sign)
    forms += [f"{_AND}{name}{_END}" for name in [named[1:-1]] * (named != sign and named[1] != "#")]
    forms += [f"{_AND}apos{_END}"] if sign == "'" else []
    forms += [_CONTROL[sign]] if sign in _CONTROL else []
    return [*forms, *_forms("+")] if sign == " " else forms


def _percent(byte: int) -> str:
    return f"%(?:25)*{_hex(f'{byte:02x}')}"


def _hex(digits: str) -> str:
    """In capitals or not."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


_ESCAPE = rf"(?:\\|{_percent(0x5C)})"
_ESCAPES = f"{_ESCAPE}*"
_END = f"(?:;|{_percent(ord(';'))})"
_AND = f"(?:&|{_percent(ord('&'))})(?:amp{_END})*"
_NUMBER = rf"(?:\#|{_percent(ord('#'))})"
_QUOTES = "'\""


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
