"""A log filter that reports a request that is not HTTP in one line: it is the client's mistake, not a server defect."""

from __future__ import annotations

import logging

_MODULE = "aiohttp.http_exceptions"
"""The module of the errors, compared by name: not every process has a server of aiohttp, and loading it takes long."""


class OneLine(logging.Filter):
    """Removes the traceback from log records about requests that could not be parsed, and lowers them to INFO."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None and _MODULE in (type(error).__module__, type(error.__cause__).__module__):
            record.msg, record.args = "not HTTP: %.200s", (" ".join(str(error).split()),)
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def log_in_one_line() -> None:
    """Apply the filter to every aiohttp server in this process."""
    logging.getLogger("aiohttp.server").addFilter(OneLine())
