"""The ways a secret is written, as patterns that find all of them.

Each letter may be written in another way, whatever was done to the others, and again by whatever writes that: JSON in
JSON, HTML in YAML, a line of a shell in both. No pattern takes longer than in proportion to the text: a run of
backslashes is passed over once and never given back, unless what follows may begin like one.
"""

from __future__ import annotations

import base64
import functools
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LETTER = 12
"""Characters that one letter of a secret may take, where it is written as it usually is."""
_SHORT = 4
"""A secret of fewer characters is hidden where it is a word of its own: inside of words it would hide the words. Its
encodings are not looked for: in hexadecimal, t is the number 74, and behind a backslash a tab."""
_SHORTEST_PART = 8
"""Characters of a line, or of base64, by which a secret is known; fewer would be found anywhere."""
_CONTROL = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


@dataclass(frozen=True)
class Spelling:
    """A secret, or an encoding of it, which has no escapes between its letters."""

    value: str
    is_encoded: bool = False

    @property
    def core(self) -> str:
        """Letters and digits that stand side by side in every text in which :attr:`regex` finds anything; if there may
        be escapes between them, once these are taken out (:func:`without_escapes`). Those after ``%`` that read like a
        backslash are none."""
        return max((run[0] for run in _RUN.finditer(self.value)), key=len, default="")

    @functools.cached_property
    def regex(self) -> re.Pattern[str]:
        """Made when it is needed: most secrets never come by."""
        pattern = _pattern(self.value, self.is_encoded)
        return re.compile(pattern if len(self.value) >= _SHORT else rf"(?<![\w\\]){pattern}(?!\w)")


def spellings_of(secret: str) -> Iterator[Spelling]:
    """A secret of several lines, such as a key, is known by each of its lines as well."""
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_PART}
    for value in {secret, secret.strip()} | {line for line in lines if not line.startswith("-----")}:
        yield Spelling(value)
        if len(value) >= _SHORT:
            yield from (Spelling(encoded, is_encoded=True) for encoded in dict.fromkeys(_encoded(value)))


def without_escapes(text: str) -> str:
    """A text without the backslashes in it, percent-encoded ones too."""
    return _ANY_ESCAPE.sub("", text) if _PERCENT_ESCAPE.search(text) else text.replace("\\", "")


def _pattern(value: str, is_encoded: bool) -> str:
    """Several backslashes are as one, and so are several quotation marks: each may be doubled, whatever they are."""
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
            # After a backslash there are no more of them.
            escapes = "" if before[:1] == "\\" else _escapes(part, is_first=not number)
            written.append(f"{escapes}{part if is_plain else _quotes(part) if part[0] in _QUOTES else _one_of(part)}")
    return "".join(written)


def _escapes(sign: str, *, is_first: bool) -> str:
    """What may stand before a letter."""
    own = "" if sign == "%" else "+"
    return f"(?:{_FIRST_ESCAPES}{own})?{own}" if is_first else f"{_ESCAPE}*{own}"


def _backslash(*, is_first: bool, may_give_back: bool) -> str:
    others = "|".join(_forms("\\")[2:])
    several = _FIRST_ESCAPES if is_first else f"{_ESCAPE}+"
    return f"(?:(?:{several}+)?+(?:{others})|{several}{'' if may_give_back else '+'})"


def _quotes(marks: str) -> str:
    """Doubled in YAML and CSV; a shell ends its quotation before one, and begins another one after it."""
    least, most = len(marks) - 1, 65 * len(marks) - 1
    either = "|".join(form for mark in _QUOTES for form in _forms(mark))
    return f"{_one_of(marks[0])}(?:{_ESCAPES}(?:{either})){{{least},{most}}}"


def _one_of(sign: str) -> str:
    return f"(?:{'|'.join(_forms(sign))})"


def _forms(sign: str) -> list[str]:
    """A letter as it is, percent-encoded, escaped by its number, and in HTML, each of them perhaps more than once. The
    escapes before it are not among them."""
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
    """As they are written anywhere; a variable of the process may hold some that are no UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _percent(byte: int) -> str:
    return f"%(?:25)*{_hex(f'{byte:02x}')}"


def _hex(digits: str) -> str:
    """In capitals or not."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


_ESCAPE = rf"(?:\\|{_percent(0x5C)})"
_ESCAPES = f"{_ESCAPE}*+"
_FIRST_ESCAPES = rf"(?<!\\)(?:\\++|{_percent(0x5C)}){{1,255}}"
"""Those before the first letter of a secret: where they begin, and nowhere among them. 255 stand before a letter that
was written by eight writers of JSON, one after the other."""
_END = f"(?:;|{_percent(ord(';'))})"
_AND = f"(?:&|{_percent(ord('&'))})(?:amp{_END})*"
_NUMBER = rf"(?:\#|{_percent(ord('#'))})"
_QUOTES = "'\""
_ANY_ESCAPE = re.compile(_ESCAPE)
_PERCENT_ESCAPE = re.compile(_percent(0x5C))
_RUN = re.compile(r"(?<![0-9A-Za-z])(?!(?<=%)(?:25)*5[cC])[0-9A-Za-z]+")
_SIGN = re.compile(rf"\\+|[{_QUOTES}]+|.", re.DOTALL)


def _encoded(value: str) -> Iterator[str]:
    """Hexadecimal, and base64: alone and as the core of a longer text, which begins at any of three places."""
    yield from (_bytes(value).hex(), _bytes(value).hex().upper())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(_bytes(value)).decode()
        yield whole
        yield whole.rstrip("=")
        for shift in range(3):
            # The first characters mix with what stands before, the last with what follows.
            data = b"\0" * shift + _bytes(value)
            core = encode(data).decode().rstrip("=")[-(-shift * 8 // 6) :]
            core = core[: len(core) - (len(data) % 3 != 0)]
            if len(core) >= _SHORTEST_PART:
                yield core
