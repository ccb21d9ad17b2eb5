"""The journal: every call a client made, in order, without secrets. It is the evidence of a failed scenario."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from support.redaction import Redactor

BODY_LIMIT = 20_000
CALLS_KEPT = 50_000


@dataclass(frozen=True)
class Call:
    """One exchange with a service, redacted. If it failed, ``answer`` holds the reason."""

    at: datetime
    target: str
    request: str
    answer: str
    duration_s: float

    def __str__(self) -> str:
        stamp = self.at.strftime("%H:%M:%S.%f")[:-3]
        head = f"{stamp}Z {self.target} ({self.duration_s * 1000:.1f} ms)"
        return f"{head}\n  > {_indented(self.request)}\n  < {_indented(self.answer)}"


class Journal:
    """A thread-safe record of calls.

    Text is cut when it is recorded and redacted when it is read, so that recording costs next to nothing while a
    latency is being measured. A secret learnt later (a token in a kubeconfig) is hidden in earlier calls too.
    """

    def __init__(self, secrets: Iterable[str] = (), redactor: Redactor | None = None) -> None:
        self._lock = threading.Lock()
        self._calls: deque[_KeptCall] = deque()
        self._dropped = 0
        self._redactor = redactor or Redactor()
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Treat these values, and their usual encodings, as secret from now on."""
        self._redactor.hide(*secrets)

    def mark(self) -> int:
        """Return the current position, for a later call of :meth:`since`."""
        with self._lock:
            return self._dropped + len(self._calls)

    def since(self, mark: int = 0) -> list[Call]:
        """Return the calls recorded after ``mark``, redacted. Only the last 50,000 calls are kept."""
        with self._lock:
            calls = list(self._calls)[max(0, mark - self._dropped) :]
        return [
            Call(kept.at, kept.target, self._shown(kept.request), self._shown(kept.answer), kept.duration_s)
            for kept in calls
        ]

    def record(self, target: str, request: str, answer: str, duration_s: float, at: datetime | None = None) -> None:
        """Record one call that took ``duration_s`` and ended at ``at``, by default now."""
        when = at if at is not None else datetime.now(UTC)
        with self._lock:
            self._calls.append(_KeptCall(when, target, self._cut(request), self._cut(answer), duration_s))
            while len(self._calls) > CALLS_KEPT:
                self._calls.popleft()
                self._dropped += 1

    def durations(self, target: str) -> list[tuple[str, float]]:
        """Return the first line of the request and the seconds of each kept call to ``target``. Not redacted."""
        with self._lock:
            calls = list(self._calls)
        return [(kept.request.beginning.split("\n", 1)[0], kept.duration_s) for kept in calls if kept.target == target]

    def text(self, mark: int = 0) -> str:
        """Return the calls since ``mark`` as readable evidence."""
        calls = self.since(mark)
        return "\n".join(map(str, calls)) if calls else "no call was made"

    def redact(self, text: str) -> str:
        """Return ``text`` without secrets, at full length."""
        return self._redactor.redact(text)

    def _cut(self, text: str) -> _Text:
        # Keep a little more than is shown, so that a secret that crosses the limit is still recognised as a whole.
        return _Text(text[: BODY_LIMIT + self._redactor.longest], len(text))

    def _shown(self, kept: _Text) -> str:
        shown = self._redactor.redact(kept.beginning, BODY_LIMIT)
        return shown if kept.length <= BODY_LIMIT else f"{shown}... (cut, {kept.length} characters in all)"


@dataclass(frozen=True)
class _Text:
    beginning: str
    length: int


@dataclass(frozen=True)
class _KeptCall:
    at: datetime
    target: str
    request: _Text
    answer: _Text
    duration_s: float


def _indented(text: str) -> str:
    return text.rstrip("\n").replace("\n", "\n    ")
