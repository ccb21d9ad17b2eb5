"""Checks for passwords in places where they must not be. Findings are reported without the password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from support.checks.matcher import Judged, judged, listed
from support.clients.focus_server.client import Answer
from support.model.commands import MOST_LEVELS, Commands
from support.model.sampling import levels_of
from support.redaction import shortened

_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://[^/@\s:\"']*:(?P<password>[^@/\s\"']+)@(?P<host>[^/\s\"'?]*)"
)
_NO_PASSWORD = re.compile(r"\*+|\$\{?\w+\}?|%\w+%|<[\w -]+>")
"""Placeholders for a password that was removed or is filled in later."""


def passwords_in(value: object) -> Iterator[str]:
    """Yield the scheme and host of each password found in a text anywhere in ``value``."""
    for text in texts_in(value):
        for found in _PARTS.finditer(text):
            if not _NO_PASSWORD.fullmatch(found["password"]):
                yield f"{found['scheme']}://{found['host']}"


def texts_in(value: object) -> Iterator[str]:
    """Yield all texts anywhere in ``value``."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)


def no_command_carries_a_password() -> Judged[Commands]:
    def mismatches(commands: Commands) -> Iterable[str]:
        for document in commands.documents:
            name = f"recording {document.get('uuid')}"
            levels = levels_of(document.get("fiber_metadata"))
            if len(levels) > MOST_LEVELS:
                yield f"{name} has {len(levels)} levels of metadata"
            for level in levels:
                for target in passwords_in(level.get("cmd")):
                    yield f"{name}: the command of {level.get('layer_type')} carries a password for {target}"

    def mismatch(commands: Commands) -> str | None:
        if not commands.there_are_some:
            return f"no recording of collection {commands.collection} has a command: there is nothing to look at"
        return listed(mismatches(commands))

    return judged("no password in the commands of any recording", mismatch)


def carries_no_password() -> Judged[Answer]:
    def mismatch(answer: Answer) -> str | None:
        if answer.status != 200:
            return f"it was answered {answer.status} {answer.message!r}"
        content = answer.json()
        if not any(True for _ in texts_in(content)):
            return f"the answer holds no text that could carry one: {shortened(answer.text)}"
        return listed(f"the answer carries a password for {target}" for target in passwords_in(content))

    return judged("an answer without any password", mismatch)
