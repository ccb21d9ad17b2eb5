"""A failed task must be noticed, not waited for: the process ends with the reason in its log."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

log = logging.getLogger("process")


def end_on_defect(task: asyncio.Task[Any]) -> None:
    """A done callback for tasks whose failure would otherwise go unnoticed."""
    if not task.cancelled() and task.exception() is not None:
        log.error("a task of this process failed", exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)
