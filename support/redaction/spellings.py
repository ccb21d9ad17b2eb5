"""Spellings of a secret, as patterns that find all of them.

Each letter may be written in a different way than the others, and the result may be written again by another program:
JSON in JSON, HTML in YAML, a line of a shell in both. The time of each pattern is proportional to the length of the
text: a run of backslashes is matched once without backtracking, unless what follows may begin with one.
"""

from __future__ import annotations

import base64
import functools
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LETTER = 12
"""Maximum number of characters that one letter of a secret takes in its usual spellings."""
_SHORT = 4
"""A secret with fewer characters is hidden only where it is a whole word: inside other words it would hide those. Its
encodings are not searched for: in hexadecimal, t is the number 74, and after a backslash it is a tab."""
_SHORTEST_PART = 8
"""Minimum number of characters of a line, or of base64, that identify a secret; fewer would be found anywhere."""
_CONTROL = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


@dataclass(frozen=True)
class Spelling:
    """A secret, or an encoding of a secret, which has no escapes between its letters."""

    value: str
    is_encoded: bool = False

    @property
    def core(self) -> str:
        """Longest run of letters and digits that is in every text in which :attr:`regex` finds anything; if there may
        be escapes between them, once these are removed (:func:`without_escapes`). Characters after ``%`` that read like
        an encoded backslash do not count."""
        return max((run[0] for run in _RUN.finditer(self.value)), key=len, default="")

    @functools.cached_property
    def regex(self) -> re.Pattern[str]:
        """Pattern, compiled when it is first needed: most secrets never occur."""
        pattern = _pattern(self.value, self.is_encoded)
        return re.compile(pattern if len(self.value) >= _SHORT else rf"(?<![\w\\]){pattern}(?!\w)")


def spellings_of(secret: str) -> Iterator[Spelling]:
    """Yield the spellings of a secret. One with several lines, such as a key, is also recognised by each line."""
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_PART}
    for value in {secret, secret.strip()} | {line for line in lines if not line.startswith("-----")}:
        yield Spelling(value)
        if len(value) >= _SHORT:
            yield from (Spelling(encoded, is_encoded=True) for encoded in dict.fromkeys(_encoded(value)))


def without_escapes(text: str) -> str:
    """Return a text without its backslashes, including percent-encoded ones."""
    return _ANY_ESCAPE.sub("", text) if _PERCENT_ESCAPE.search(text) else text.replace("\\", "")


def _pattern(value: str, is_encoded: bool) -> str:
    """Return the pattern of a value. A run of backslashes counts as one sign, and so does a run of quotation marks,
    because each mark may be doubled."""
    parts = [part[0] for part in _SIGN.finditer(value)]
    written = []
    for number, part in enumerate(parts):
        before, after = parts[number - 1] if number else "", parts[number + 1] if number + 1 < len(parts) else ""
        is_plain = part.isalnum() and (part.isascii() or is_encoded)
        if is_plain and (is_encoded or not number):
            written.append(part)
        elif part[0] == "\\":
            written.append(_backslash(is_first=not number, may_give_back=after in ("", "%")))
        else:
            # The pattern of a backslash has already matched the escapes that follow it.
            escapes = "" if before[:1] == "\\" else _escapes(part, is_first=not number)
            written.append(f"{escapes}{part if is_plain else _quotes(part) if part[0] in _QUOTES else _one_of(part)}")
    return "".join(written)


def _escapes(sign: str, *, is_first: bool) -> str:
    """Return the pattern of the escapes that may precede a letter."""
    own = "" if sign == "%" else "+"
    return f"(?:{_FIRST_ESCAPES}{own})?{own}" if is_first else f"{_ESCAPE}*{own}"


def _backslash(*, is_first: bool, may_give_back: bool) -> str:
    others = "|".join(_forms("\\")[2:])
    several = _FIRST_ESCAPES if is_first else f"{_ESCAPE}+"
    return f"(?:(?:{several}+)?+(?:{others})|{several}{'' if may_give_back else '+'})"


def _quotes(marks: str) -> str:
    """Return the pattern of a run of quotation marks. YAML and CSV double them; a shell ends its quotation before one
    and begins another one after it."""
    least, most = len(marks) - 1, 65 * len(marks) - 1
    either = "|".join(form for mark in _QUOTES for form in _forms(mark))
    return f"{_one_of(marks[0])}(?:{_ESCAPES}(?:{either})){{{least},{most}}}"


def _one_of(sign: str) -> str:
    return f"(?:{'|'.join(_forms(sign))})"


def _forms(sign: str) -> list[str]:
    """Return the patterns of a letter: as it is, percent-encoded, escaped by its number, and in HTML, each possibly
    more than once. They do not include the escapes before it."""
    code = ord(sign)
    units = re.findall("....", sign.encode("utf-16-be", "surrogatepass").hex())
    forms = [re.escape(sign), "".join(_percent(byte) for byte in _bytes(sign))]
    forms += [_ESCAPES.join(f"u{_hex(unit)}" for unit in units)]
    forms += [_ESCAPES.join(f"x{_hex(f'{byte:02x}')}" for byte in _bytes(sign))]
    forms += [f"x{_hex(f'{code:02x}')}"] if code < 256 else []
    forms += [f"{_AND}{_NUMBER}(?:0*{code}|[xX]0*{_hex(f'{code:x}')}){_END}"]
    named = html.escape(sign)
    forms += [f"{_AND}{name}{_END}" for name in [named[1:-1]] * (named != sign and named[1] != "#")]
    forms += [f"{_AND}apos{_END}"] if sign == "'" else []
    forms += [_CONTROL[sign]] if sign in _CONTROL else []
    return [*forms, *_forms("+")] if sign == " " else forms


def _bytes(text: str) -> bytes:
    """Return the bytes that are written for a text. Variables of the process may hold bytes that are not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _percent(byte: int) -> str:
    return f"%(?:25)*{_hex(f'{byte:02x}')}"


def _hex(digits: str) -> str:
    """Return a pattern of hexadecimal digits in upper or lower case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


_ESCAPE = rf"(?:\\|{_percent(0x5C)})"
_ESCAPES = f"{_ESCAPE}*+"
_FIRST_ESCAPES = rf"(?<!\\)(?:\\++|{_percent(0x5C)}){{1,255}}"
"""Escapes before the first letter of a secret. They match only from where the escapes begin, never from within them. A
letter that was written by eight JSON writers in turn has 255 of them."""
_END = f"(?:;|{_percent(ord(';'))})"
_AND = f"(?:&|{_percent(ord('&'))})(?:amp{_END})*"
_NUMBER = rf"(?:\#|{_percent(ord('#'))})"
_QUOTES = "'\""
_ANY_ESCAPE = re.compile(_ESCAPE)
_PERCENT_ESCAPE = re.compile(_percent(0x5C))
_RUN = re.compile(r"(?<![0-9A-Za-z])(?!(?<=%)(?:25)*5[cC])[0-9A-Za-z]+")
_SIGN = re.compile(rf"\\+|[{_QUOTES}]+|.", re.DOTALL)


def _encoded(value: str) -> Iterator[str]:
    """Yield the encodings of a value: hexadecimal, and base64, both alone and as the core of a longer text, where it
    begins at one of three offsets."""
    yield from (_bytes(value).hex(), _bytes(value).hex().upper())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(_bytes(value)).decode()
        yield whole
        yield whole.rstrip("=")
        for shift in range(3):
            # The first characters also depend on what precedes the value, the last ones on what follows it.
            data = b"\0" * shift + _bytes(value)
            core = encode(data).decode().rstrip("=")[-(-shift * 8 // 6) :]
            core = core[: len(core) - (len(data) % 3 != 0)]
            if len(core) >= _SHORTEST_PART:
                yield core
