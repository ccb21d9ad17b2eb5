"""How a run ends before its time: with clean-ups and something said, and never in the middle of a report."""

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
"""Environment variable: the number of the process without which nobody waits for this one, such as make."""
_LOOK_EVERY_S = 0.5


def _ends() -> list[signal.Signals]:
    """SIGTERM (a cancelled CI job), SIGHUP (a closed terminal) where there is one and it is not ignored (nohup), and
    SIGBREAK (Ctrl-Break, and a closed window) on Windows, which has no SIGHUP and sends nobody a SIGTERM."""
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
    """For a process that multiprocessing has forked: what is registered with atexit meanwhile runs at its end.

    multiprocessing leaves that out (3.11 to 3.14), and the official Kubernetes client (37) removes only then the files
    into which it has written what a kubeconfig holds (findings/kubernetes_files_of_a_child.sh). What the parent had
    registered before is the parent's to do.
    """
    atexit._clear()
    try:
        yield
    finally:
        atexit._run_exitfuncs()


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Inside of the `with`, whoever wants to end the run waits until what is being written is written whole."""

    def note(number: int, frame: Any) -> None:
        print("the reports are being written: that is finished first", file=sys.stderr)

    with _handled([signal.SIGINT, *_ends()], note):
        yield


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


if sys.platform != "win32":  # where os.kill with 0 is Ctrl-C, and with SIGTERM the end without a word

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
