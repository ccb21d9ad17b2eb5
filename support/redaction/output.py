"""Standard output and error of this process, redacted: everything printed leaves the process without secrets."""

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
"""Permissions that the group and others do not get: a report reveals the parts of a site and how to reach it."""


class RedactedStream:
    """Text stream that redacts what it passes on to another one. It passes on whole lines, and the rest of a line when
    it is flushed. Lines that only together reveal a secret are passed on together.

    Bytes are not accepted, because their encoding is not known.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._lines: list[str] = []
        """Complete lines that are held back."""
        self._begun: list[str] = []
        """Pieces of a line that is not complete."""
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
        """Pass on text that is already redacted, after everything written before it."""
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
        """Return other attributes of the stream, except those that give access to the bytes below it."""
        if name in ("buffer", "detach"):
            raise AttributeError(name)
        return getattr(self._stream, name)


def redacted(stream: TextIO) -> TextIO:
    """Return ``stream`` behind the redactor, which it may be already."""
    return stream if isinstance(stream, RedactedStream) else cast(TextIO, RedactedStream(stream))


def print_json(value: Any) -> None:
    """Print JSON data so that it stays valid JSON: texts are redacted one by one, and numbers are kept even if they
    look like a secret."""
    text = json.dumps(PROCESS.redact_values(value), indent=2, ensure_ascii=False)
    shown = PROCESS.known(text, form=FORMS[".json"]) + "\n"
    if isinstance(sys.stdout, RedactedStream):
        sys.stdout.write_redacted(shown)
    else:
        sys.stdout.write(shown)


def guard() -> None:
    """Make this process print no secrets from now on, and write files that only their owner can read."""
    PROCESS.hide(*secrets_among(os.environ))
    os.umask(os.umask(OWNER_ONLY) | OWNER_ONLY)
    sys.stdout, sys.stderr = redacted(sys.stdout), redacted(sys.stderr)
