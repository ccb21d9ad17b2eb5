"""The early end of a run: with clean-ups and a message, and never in the middle of a report."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

ENDS_WITH = "FOCUS_ENDS_WITH"
"""Environment variable with the id of the process that waits for this one, such as make."""
_LOOK_EVERY_S = 0.5


def _ends() -> list[signal.Signals]:
    """Return the signals that end a run, without those that are ignored (nohup).

    These are SIGTERM (a cancelled CI job), SIGHUP (a closed terminal), and, on Windows, which has no SIGHUP and sends
    no SIGTERM, SIGBREAK (Ctrl-Break, and a closed window).
    """
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Inside of the `with`, SIGTERM, SIGHUP and Ctrl-Break raise KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    with _handled(_ends(), interrupt):
        yield


@contextlib.contextmanager
def ends_like_a_program() -> Iterator[None]:
    """Run, at the end of a process that multiprocessing has forked, the functions that it registered with atexit.

    multiprocessing skips them (3.11 to 3.14), but the official Kubernetes client (37) needs them to remove the files
    into which it has written the content of a kubeconfig (findings/kubernetes_files_of_a_child.sh). Functions that the
    parent registered before are left to the parent.
    """
    atexit._clear()
    try:
        yield
    finally:
        atexit._run_exitfuncs()


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Inside of the `with`, a signal to end the run only prints a message, so that reports are written completely."""

    def note(number: int, frame: Any) -> None:
        print("the reports are being written: that is finished first", file=sys.stderr)

    with _handled([signal.SIGINT, *_ends()], note):
        yield


def ignore_what_ends_a_run() -> None:
    """Ignore the signals that end a run from now on, in a process that ends by itself."""
    for number in _ends():
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _handled(numbers: list[signal.Signals], handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def end_with_the_one_who_waits() -> None:
    """End this process, as SIGTERM does, when the process named by FOCUS_ENDS_WITH has ended, however that ended."""
    named = os.environ.get(ENDS_WITH, "")
    if named.isdecimal():
        end_with(int(named))


def end_with(pid: int) -> None:
    """End this process, as SIGTERM does, when that one has ended, however it ended."""
    if sys.platform != "win32":
        threading.Thread(target=_end_with, args=(pid,), name="ends-with", daemon=True).start()


if sys.platform != "win32":  # on Windows, os.kill with 0 sends Ctrl-C, and with SIGTERM ends a process abruptly

    def _end_with(pid: int) -> None:
        _wait_for_end_of(pid)
        os.kill(os.getpid(), signal.SIGTERM)

    def _wait_for_end_of(pid: int) -> None:
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                select.select([descriptor], [], [])
                os.close(descriptor)
            return
        pause = threading.Event()
        with contextlib.suppress(ProcessLookupError):
            while not pause.wait(_LOOK_EVERY_S):
                os.kill(pid, 0)
