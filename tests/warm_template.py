"""The process that :mod:`tests.warm` forks from: it imports, waits for orders, and reports the exit of each fork."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
from typing import TextIO

MODULES = (
    *("aiohttp.web", "asyncssh", "cryptography.x509", "pymongo", "bson", "yaml", "requests", "trustme", "jsonpatch"),
    *("behave.configuration", "behave.runner_plugin", "behave.runner_util", "hamcrest", "jinja2", "kubernetes.client"),
    *("paramiko", "pydantic", "rich.console", "typer", "babel.messages.pofile", "xlsxwriter", "allure_behave"),
    *("support.runner", "support.reporting.writers.console", "support.reporting.formatter"),
    *("support.reporting.publish", "support.hooks.session", "support.hooks.scenario", "tools.cli"),
    *("environments.sandbox.focus_server.server", "environments.sandbox.mongodb.service"),
    "tools.fault_matrix.prepared",
)
"""The slow imports, and the work that every run of the suite would repeat."""
LONGEST_ORDER = 1 << 20


def main(line: socket.socket) -> None:
    """Fork for each order until the socket closes. Only a fork returns earlier, after its module has run."""
    for name in MODULES:
        importlib.import_module(name)
    importlib.import_module("support.reporting.publish").prepare()
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()
    running: dict[int, int] = {}
    wakes, wakened = os.pipe()
    os.set_blocking(wakened, False)
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    while True:
        ready, _, _ = select.select([line, wakes], [], [])
        if wakes in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wakes, 4096)
            tell_ends(running)
        if line in ready:
            content, descriptors, _, _ = socket.recv_fds(line, LONGEST_ORDER, 4)
            if not content:
                return
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for other in (line.detach(), wakes, wakened, *running.values()):
                    os.close(other)
                become(json.loads(content), descriptors)
                return
            for descriptor in descriptors[:3]:
                os.close(descriptor)
            running[pid] = descriptors[3]
            os.write(descriptors[3], f"{pid}\n".encode())


def tell_ends(running: dict[int, int]) -> None:
    for pid, status in list(running.items()):
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            del running[pid]
            with contextlib.suppress(BrokenPipeError):  # the caller has closed its end
                os.write(status, f"{os.waitstatus_to_exitcode(code)}\n".encode())
            os.close(status)


def become(order: dict, descriptors: list[int]) -> None:
    """Run the order as ``python -m`` would."""
    os.setsid()
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(order["variables"])
    time.tzset()
    os.chdir(order["folder"])
    own = [path for path in order["variables"].get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [
        order["folder"],
        *own,
        *(path for path in sys.path if path.startswith((sys.prefix, sys.base_prefix))),
    ]
    sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    streams = {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__}
    sys.__stdin__ = sys.stdin  # as in any process: to replace sys.stdin, as a fork does, must not close descriptor 0
    sys.argv = [order["module"], *order["arguments"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code: object = None
    try:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    end(code, {*streams, sys.stdout, sys.stderr})


def end(code: object, streams: set[TextIO]) -> None:
    """End as Python does, but leave its memory to the system: to free each object would first copy what the fork shares
    with the template. Returns, so that Python itself ends, if a stream cannot be flushed."""
    if not isinstance(code, int | None):
        sys.exit(code)  # Python prints it
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        for stream in streams:
            stream.flush()
    except (OSError, ValueError):  # Python reports a stream that nobody reads, or that the module has closed
        sys.exit(code)
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
