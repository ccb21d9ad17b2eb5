"""Detection of leftovers of the program, such as stack traces, in messages for people."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from support.clients.focus_server.client import Answer

STACK_TRACE = "a stack trace"
_LEFTOVERS: Mapping[str, re.Pattern[str]] = {
    STACK_TRACE: re.compile(
        r'Traceback \(most recent call|File "[^"]+", line \d+|\bat [\w.$]+\(\w+\.\w+:\d+\)|\bat 0x[0-9a-f]{4,}: \w+'
    ),
    "an object": re.compile(r"<?\b[\w.]+ object at 0x[0-9a-fA-F]+>?|<(class|function|module) [^>]*>|\[object \w+\]"),
    "no value": re.compile(r"\b(None(?! of\b)|null|nil|undefined|NaN|nan|Infinity)\b"),
    "a list of the program": re.compile(
        r"\[\s*(['\"]|\(|None\b)|(?<!\w)\(\s*('[^']*'\s*,|-?\d+\s*,\s*['\"])|\{\s*'[^']*'\s*:"
    ),
    "a begin without words": re.compile(r"^\s*[;:,.!?]"),
    "a list of nothing": re.compile(r"\b\w+:\s*(?:$|;)"),
    "a gap that was not filled": re.compile(r"\{[a-z_][\w.]*\}|\$\{\w+\}|%\(\w+\)[sdr]|(?<!\d)%[sdr]\b"),
}


def leftover_in(answer: Answer) -> str | None:
    """Return the first leftover of the program in the message of an answer, or None.

    Text that the client itself sent is an echo and allowed: the answer to a null may mention null.
    """
    return leftover(answer.message, answer.request)


def leftover(text: str, sent: str = "") -> str | None:
    """Return the first leftover of the program in any text, or None. The text may echo ``sent``."""
    for what, pattern in _LEFTOVERS.items():
        for match in pattern.finditer(text):
            if match[0] not in sent:
                return what if what == STACK_TRACE else f"{what} ({match[0]})"
    return None


def named_in(text: str, names: Collection[str]) -> list[str]:
    """Return the names that occur in a text, in their order and with repetitions."""
    found = re.findall(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, names))})(?![\w-]|\.\d)", text)
    return [str(name) for name in found]
