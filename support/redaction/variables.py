"""Secrets among the environment variables of a process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from support.redaction.places import is_name_of_a_secret

_LOGIN = re.compile(r"\w://[^/@\s:]*:([^\s]+)@")
_NO_SECRETS = frozenset({"PWD", "OLDPWD"})
"""Folders, although their names look like those of secrets."""
_SHORTEST = 8
"""A shorter value under the name of a secret is a switch or a number, and would be found anywhere."""


def secrets_among(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the values of environment variables whose names mark them as secret, and the passwords in URLs."""
    for name, value in variables.items():
        if is_name_of_a_secret(name) and name not in _NO_SECRETS and len(value) >= _SHORTEST:
            yield value
        yield from _LOGIN.findall(value)
