"""Progress of long runs: a live bar on a terminal, plain lines everywhere else (requirement RP-07).

Lines in a CI log are permanent, so they are few: at most one every ten seconds, and one at the end.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_S = 10.0


class Reporter:
    """Reports progress: the number opened, the number failed, and the total. Safe to use from several threads."""

    def __init__(
        self, title: str, total: int, stream: TextIO | None = None, line_every_s: float = LINE_EVERY_S
    ) -> None:
        self._title, self._total = title, total
        # sys.__stderr__ is the terminal itself; behave captures sys.stderr while a step runs.
        self._stream = stream if stream is not None else sys.__stderr__
        self._line_every_s = line_every_s
        self._lock = threading.Lock()
        self._opened = self._failed = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Reporter:
        self._started_s = self._said_s = time.monotonic()
        if self._stream is not None and self._stream.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[failed]} failed"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(file=self._stream),
                transient=True,
            )
            self._task = self._bar.add_task(self._title, total=self._total, failed=0)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif time.monotonic() - self._started_s >= self._line_every_s:
            self._say("ended")

    def opened(self) -> None:
        """Count one more as open."""
        self._count(1, 0)

    def failed(self) -> None:
        """Count one more as failed to open."""
        self._count(0, 1)

    def _count(self, opened: int, failed: int) -> None:
        with self._lock:
            self._opened += opened
            self._failed += failed
            if self._bar is not None:
                self._bar.update(self._task, advance=1, failed=self._failed)
            elif time.monotonic() - self._said_s >= self._line_every_s:
                self._say(self._estimate())

    def _estimate(self) -> str:
        done = self._opened + self._failed
        elapsed_s = time.monotonic() - self._started_s
        return f"about {elapsed_s / done * (self._total - done):.0f} s left"

    def _say(self, ending: str) -> None:
        self._said_s = time.monotonic()
        elapsed_s = self._said_s - self._started_s
        if self._stream is not None:
            counts = f"{self._opened} open, {self._failed} failed, of {self._total}"
            print(f"{self._title}: {counts}, {elapsed_s:.0f} s, {ending}", file=self._stream, flush=True)
