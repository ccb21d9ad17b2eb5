"""The redactor of a process."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from support.redaction.places import HIDDEN, PLACES, is_name_of_a_secret
from support.redaction.spellings import LONGEST_LETTER, patterns_of


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
        """Characters that the longest secret takes, however it is usually written."""
        return self._longest

    def hide(self, *secrets: str) -> None:
        """Treat these values, and their usual encodings, as secret from now on."""
        with self._lock:
            new = {secret for secret in secrets if secret.strip() and secret != HIDDEN} - self._secrets
            if new:
                self._secrets |= new
                longest_first = sorted(self._secrets, key=len, reverse=True)
                patterns = dict.fromkeys(pattern for secret in longest_first for pattern in patterns_of(secret))
                self._pattern = re.compile("|".join(patterns))
                self._longest = LONGEST_LETTER * len(longest_first[0])

    def redact(self, text: str, limit: int | None = None) -> str:
        """``text``, or its first ``limit`` characters, without secrets."""
        shown = self.known(text, limit)
        for place, replacement in PLACES:
            shown = place.sub(replacement, shown)
        return shown

    def redact_values(self, value: Any) -> Any:
        """JSON data with every text of it redacted. A text under the name of a secret is hidden as a whole: as the
        value of that key, and in a pair of ``name`` and ``value``."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            named = is_name_of_a_secret(str(value.get("name", "")))
            return {
                key: HIDDEN
                if isinstance(item, str) and item and (is_name_of_a_secret(str(key)) or (named and key == "value"))
                else self.redact_values(item)
                for key, item in value.items()
            }
        return [self.redact_values(item) for item in value] if isinstance(value, Sequence) else value

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


def shortened(value: object, limit: int = 200) -> str:
    """The first characters of a text, as a sentence shows them. A secret that is cut in half would not be recognised
    any more, so it is hidden before."""
    return PROCESS.redact(str(value), limit)
