"""Passwords where nobody should find them. What is found is told without the password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from support.checks.matcher import Judged, judged, listed
from support.clients.focus_server.client import Answer
from support.model.commands import MOST_LEVELS, Commands
from support.model.sampling import levels_of

_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://[^/@\s:\"']*:(?P<password>[^@/\s\"']+)@(?P<host>[^/\s\"'?]*)"
)
_NO_PASSWORD = re.compile(r"\*+|\$\{?\w+\}?|%\w+%|<[\w -]+>")
"""What stands in the place of a password that was taken out or is filled in later."""


def passwords_in(value: object) -> Iterator[str]:
    """For each password in a text anywhere in ``value``: the scheme and host it is for."""
    if isinstance(value, str):
        for found in _PARTS.finditer(value):
            if not _NO_PASSWORD.fullmatch(found["password"]):
                yield f"{found['scheme']}://{found['host']}"
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from passwords_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from passwords_in(inner)


def no_command_carries_a_password() -> Judged[Commands]:
    def troubles(commands: Commands) -> Iterable[str]:
        for document in commands.documents:
            name = f"recording {document.get('uuid')}"
            levels = levels_of(document.get("fiber_metadata"))
            if len(levels) > MOST_LEVELS:
                yield f"{name} has {len(levels)} levels of metadata"
            for level in levels:
                for target in passwords_in(level.get("cmd")):
                    yield f"{name}: the command of {level.get('layer_type')} carries a password for {target}"

    return judged("no password in the commands of any recording", lambda commands: listed(troubles(commands)))


def carries_no_password() -> Judged[Answer]:
    def trouble(answer: Answer) -> str | None:
        if answer.status != 200:
            return f"it was answered {answer.status} {answer.message!r}"
        return listed(f"the answer carries a password for {target}" for target in passwords_in(answer.json()))

    return judged("an answer without any password", trouble)
