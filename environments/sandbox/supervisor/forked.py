"""A process of the sandbox as a fork of the supervisor, which has loaded what nearly all of them need.

Loading aiohttp, asyncio and cryptography anew in each of them was more than half of the processor time of a start.
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
    """Python 3.11 waits for each process with a thread of its own, beside which :func:`fork_of` would not fork."""
    if sys.platform == "linux" and sys.version_info < (3, 12):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


def fork_of(package: str) -> Callable[[], None] | None:
    """For ``preexec_fn``: what the fork becomes, in place of the program that would follow.

    None where a Python of its own has to start: beside threads, which a fork might catch holding a lock; where
    PYTHONPATH is set, which may tell every Python what to do at its start; and where the kernel is not Linux.
    """
    if sys.platform != "linux" or "PYTHONPATH" in os.environ or threading.active_count() > 1:
        return None
    return functools.partial(_become, package)


def _become(package: str) -> None:
    """``python -m`` with this package; its standard streams are in place. Does not return."""
    code = 1
    try:
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
    except BaseException:  # noqa: BLE001  # told as Python itself tells what nobody has caught
        traceback.print_exc()
    finally:
        os._exit(code)
