"""The redactor of a process."""

from __future__ import annotations

import bisect
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from support.redaction.numbers import places_of_numbers
from support.redaction.places import HIDDEN, PLACES, is_name_of_a_secret, may_hold_secrets, small
from support.redaction.spellings import LONGEST_LETTER, Spelling, spellings_of, without_escapes


class Redactor:
    """Hides secrets in texts. Thread-safe. A secret that is added later is hidden from then on.

    The time is proportional to the length of the text, and to the number of secrets in it.
    """

    def __init__(self, *secrets: str) -> None:
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self._spellings: Mapping[tuple[str, bool], Sequence[Spelling]] = {}
        self._longest = 0
        self.hide(*secrets)

    @property
    def longest(self) -> int:
        """Number of characters that the longest secret takes in its usual spellings."""
        return self._longest

    def hide(self, *secrets: str) -> None:
        """Treat these values, and their usual encodings, as secret from now on."""
        with self._lock:
            new = {secret for secret in secrets if secret.strip() and secret != HIDDEN} - self._secrets
            if new:
                self._secrets |= new
                self._spellings = _by_core(self._spellings, new)
                self._longest = LONGEST_LETTER * max(map(len, self._secrets))

    def redact(self, text: str, limit: int | None = None) -> str:
        """Return ``text``, or its first ``limit`` characters, without secrets."""
        shown = self.known(text, limit)
        letters = small(shown)
        if not may_hold_secrets(letters):
            return shown
        for place in PLACES:
            if spans := list(place.secrets(shown, letters)):
                shown = _without(shown, spans, len(shown))
                letters = small(shown)
        return shown

    def redact_values(self, value: Any) -> Any:
        """Return JSON data with all texts redacted. A text under the name of a secret is hidden as a whole, both as the
        value of that key and in a pair of ``name`` and ``value``."""
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

    def known(self, text: str, limit: int | None = None, form: re.Pattern[str] | None = None) -> str:
        """Return ``text`` without the secrets that were added with :meth:`hide`. Use it for a text that must keep its
        form, such as JSON.

        With ``form``, one of :data:`support.redaction.numbers.FORMS`, its numbers and times are kept.
        """
        spans = list(self._known_in(text))
        if spans and form is not None:
            kept = places_of_numbers(text, form)
            spans = [span for span in spans if not _meets(span, kept)]
        return _without(text, spans, len(text) if limit is None else limit)

    def _known_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of the secrets, in any order; one may contain another."""
        bare = without_escapes(text)
        for (core, is_encoded), spellings in self._spellings.items():
            if core in text or (not is_encoded and core in bare):
                for spelling in spellings:
                    yield from (found.span() for found in spelling.regex.finditer(text))


def _by_core(
    known: Mapping[tuple[str, bool], Sequence[Spelling]], secrets: Iterable[str]
) -> Mapping[tuple[str, bool], Sequence[Spelling]]:
    """Return the spellings grouped by core: one search for a core covers all its spellings. The result is always a new
    mapping, because other threads may read the old one."""
    by_core = {key: list(spellings) for key, spellings in known.items()}
    for spelling in (one for secret in secrets for one in spellings_of(secret)):
        others = by_core.setdefault((spelling.core, spelling.is_encoded), [])
        if spelling not in others:
            others.append(spelling)
    return by_core


def _meets(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    """Whether a span shares a character with one of ``others``, which are sorted and do not overlap."""
    first_after = bisect.bisect_left(others, span[1], key=lambda other: other[0])
    return first_after > 0 and others[first_after - 1][1] > span[0]


def _without(text: str, spans: Iterable[tuple[int, int]], end: int) -> str:
    """Return the first ``end`` characters of a text, with the spans hidden; overlapping spans are hidden together."""
    parts: list[str] = []
    position = 0
    for first, after in sorted(spans):
        if first >= end:
            break
        if first >= position:
            parts += [text[position:first], HIDDEN]
        position = max(position, after)
    parts.append(text[position:end])
    return "".join(parts)


PROCESS = Redactor()
"""The redactor of this process."""


def shortened(value: object, limit: int = 200) -> str:
    """Return the first characters of a text, for use in a sentence. Secrets are hidden before the text is cut, because
    half a secret would not be recognised."""
    return PROCESS.redact(str(value), limit)
