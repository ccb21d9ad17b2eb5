"""What a message for people must be free of: leftovers of the program that made it."""

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
    """What stands in the message of an answer that its reader has no use for; None when it is free of that.

    What the client itself has sent is an echo: who sends null is told of null.
    """
    return leftover(answer.message, answer.request)


def leftover(text: str, sent: str = "") -> str | None:
    """The same of any text; ``sent`` is what it may echo."""
    for what, pattern in _LEFTOVERS.items():
        for match in pattern.finditer(text):
            if match[0] not in sent:
                return what if what == STACK_TRACE else f"{what} ({match[0]})"
    return None


def named_in(text: str, names: Collection[str]) -> list[str]:
    """Those of the names that stand in a text, as often and in the order as they do."""
    found = re.findall(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, names))})(?![\w-]|\.\d)", text)
    return [str(name) for name in found]
