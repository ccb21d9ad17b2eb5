"""What is no HTTP at all is told in the log in one line: it is the client's mistake, and no defect of the server."""

from __future__ import annotations

import logging

_MODULE = "aiohttp.http_exceptions"
"""Known by its name: not every process has a server of aiohttp, and loading it takes long."""


class OneLine(logging.Filter):
    """Takes the traceback from the records of requests that could not be read."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None and _MODULE in (type(error).__module__, type(error.__cause__).__module__):
            record.msg, record.args = "not HTTP: %.200s", (" ".join(str(error).split()),)
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def log_in_one_line() -> None:
    """For every server of aiohttp in this process."""
    logging.getLogger("aiohttp.server").addFilter(OneLine())
