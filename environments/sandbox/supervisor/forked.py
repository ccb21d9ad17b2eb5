"""A process of the sandbox as a fork of the supervisor, which has already loaded most of the modules that it needs.

Loading aiohttp, asyncio and cryptography again in each process took more than half of the processor time of a start.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import resource
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path


def wait_without_threads() -> None:
    """Make Python 3.11 wait for processes without a thread each; :func:`fork_of` does not fork beside threads."""
    if sys.platform == "linux" and sys.version_info < (3, 12):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


def fork_of(package: str) -> Callable[[], None] | None:
    """A function for ``preexec_fn`` that turns the fork into ``package`` instead of executing the program.

    None if a new Python interpreter is needed: if other threads run, because a fork might copy a lock that one holds;
    if PYTHONPATH is set, because it may change what Python does at its start; or if the kernel is not Linux.
    """
    if sys.platform != "linux" or threading.active_count() > 1 or _is_changed_by_its_path(package):
        return None
    return functools.partial(_become, package)


CHANGED = "FOCUS_CHANGED_BY_PYTHONPATH"
"""Environment variable with the names of the packages that PYTHONPATH changes, with commas; without it, that is all."""


def _is_changed_by_its_path(package: str) -> bool:
    return "PYTHONPATH" in os.environ and package in os.environ.get(CHANGED, package).split(",")


def _become(package: str) -> None:
    """Run this package like ``python -m``; its standard streams are in place. Does not return."""
    code = 1
    try:
        if sys.version_info < (3, 12):
            asyncio.set_event_loop_policy(None)  # its watcher of child processes belongs to the supervisor's loop
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        logging.root.handlers.clear()
        os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        Path("/proc/self/comm").write_text(package, encoding="ascii")
        runpy.run_module(f"environments.sandbox.{package}", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001  # reported as Python reports an uncaught exception
        traceback.print_exc()
    finally:
        os._exit(code)
