"""Standard output and error of this process: whatever is printed, by whomever, leaves it without secrets."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from typing import Any, TextIO, cast

from support.redaction.numbers import FORMS
from support.redaction.places import KEY_ENDS, finished_until
from support.redaction.redactor import PROCESS
from support.redaction.variables import secrets_among

OWNER_ONLY = 0o077
"""What the group and others may not do with the files that this process makes: a report tells what a site is made of,
and how it is reached."""


class RedactedStream:
    """In front of another text stream: passes on whole lines, and what is left of a line when it is flushed. Lines that
    only tell together that they hold a secret are passed on together.

    Bytes are not taken: nobody could say what they spell.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._lines: list[str] = []
        """Those held back."""
        self._begun: list[str] = []
        """The pieces of a line that has not ended."""
        self._within_key = False

    def write(self, text: str) -> int:
        with self._lock:
            before, end, begun = text.rpartition("\n")
            if end:
                self._lines.append("".join((*self._begun, before, end)))
                self._begun = []
                if not self._within_key or KEY_ENDS in self._lines[-1]:
                    self._pass_on_finished()
            self._begun.append(begun)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def write_redacted(self, text: str) -> None:
        """Pass on what was redacted already, after all that came before it."""
        with self._lock:
            self.flush()
            self._stream.write(text)

    def flush(self) -> None:
        with self._lock:
            self._pass_on("".join((*self._lines, *self._begun)))
            self._lines, self._begun, self._within_key = [], [], False
            self._stream.flush()

    def close(self) -> None:
        self.flush()
        self._stream.close()

    def _pass_on_finished(self) -> None:
        held = "".join(self._lines)
        end = finished_until(held)
        self._lines, self._within_key = [held[end:]], "-----BEGIN" in held[end:]
        self._pass_on(held[:end])

    def _pass_on(self, shown: str) -> None:
        if shown:
            self._stream.write(PROCESS.redact(shown))

    def __getattr__(self, name: str) -> Any:
        """What else a stream has; the bytes below it are nobody's."""
        if name in ("buffer", "detach"):
            raise AttributeError(name)
        return getattr(self._stream, name)


def redacted(stream: TextIO) -> TextIO:
    """``stream`` behind the redactor, which it may be already."""
    return stream if isinstance(stream, RedactedStream) else cast(TextIO, RedactedStream(stream))


def print_json(value: Any) -> None:
    """Print JSON data that stay JSON: texts are redacted one by one, and numbers are none of the secrets they look
    like."""
    text = json.dumps(PROCESS.redact_values(value), indent=2, ensure_ascii=False)
    shown = PROCESS.known(text, form=FORMS[".json"]) + "\n"
    if isinstance(sys.stdout, RedactedStream):
        sys.stdout.write_redacted(shown)
    else:
        sys.stdout.write(shown)


def guard() -> None:
    """From now on this process prints nothing secret, and writes files that only its owner reads."""
    PROCESS.hide(*secrets_among(os.environ))
    os.umask(os.umask(OWNER_ONLY) | OWNER_ONLY)
    sys.stdout, sys.stderr = redacted(sys.stdout), redacted(sys.stderr)
