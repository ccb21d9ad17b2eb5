"""SIGTERM (a cancelled CI job) ends what we do as Ctrl-C does: with clean-ups, and with something said."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Inside of the `with`, SIGTERM raises KeyboardInterrupt."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
