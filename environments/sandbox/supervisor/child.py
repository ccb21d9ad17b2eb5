"""One supervised process: started with its configuration, queried over its private line, ended by process id."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from environments.sandbox.shared.errors import StartError
from environments.sandbox.shared.process import MAX_LINE_BYTES

_STOP_TIMEOUT_S = 5.0
_REQUEST_TIMEOUT_S = 30.0
_LOG_LINES_SHOWN = 5

EventHandler = Callable[["ChildProcess", str, Mapping[str, Any]], None]


class ProcessGone(RuntimeError):
    """The process is not running, or has ended before it answered."""


class ProcessSilent(RuntimeError):
    """The process runs but does not answer."""


class ChildProcess:
    """``package`` below ``environments.sandbox``, run as a separate process.

    ``on_event`` receives the messages of the process, and ``ended`` if the process ends without being asked to.
    """

    def __init__(self, package: str, config: Mapping[str, Any], log_file: Path, on_event: EventHandler) -> None:
        self.package = package
        self.config = config
        self.log_file = log_file
        self.ready: Mapping[str, Any] = {}
        self.ending = False
        self._on_event = on_event
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._became_ready = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def is_ready(self) -> bool:
        """Whether it runs and has reported that it is ready."""
        return self.pid is not None and self._became_ready.is_set()

    async def start(self, become: Callable[[], None] | None = None) -> None:
        """Start the process. ``become``, if given, runs in a fork of this process instead of a new interpreter."""
        self.ending = False
        self._became_ready.clear()
        self._begin_log()
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"environments.sandbox.{self.package}",
                stdin=PIPE, stdout=PIPE, stderr=log, limit=MAX_LINE_BYTES, start_new_session=True,
                restore_signals=become is None, preexec_fn=become,
            )  # fmt: skip
        with contextlib.suppress(ProcessGone):  # it has ended already; :meth:`wait_until_ready` reports why
            self._write(self.config)
        self._reading = asyncio.create_task(self._read(self._process))

    def _begin_log(self) -> None:
        """Start a new log, as a pod's log starts with its process. The node reads the file, so it always exists."""
        if not self.log_file.exists() or not self.log_file.stat().st_size:
            return
        previous, fresh = self.log_file.with_suffix(".previous.log"), self.log_file.with_suffix(".fresh.log")
        previous.unlink(missing_ok=True)
        previous.hardlink_to(self.log_file)
        fresh.touch()
        fresh.replace(self.log_file)

    async def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until it serves; :class:`StartError` with the end of its log if it ends or stays silent instead."""
        assert self._reading is not None
        becoming = asyncio.create_task(self._became_ready.wait())
        await asyncio.wait({becoming, self._reading}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        becoming.cancel()
        if not self._became_ready.is_set():
            what = "ended" if self._reading.done() else f"was not ready within {timeout_s:g} s"
            raise StartError(f"the sandbox's {self.package} process {what}: {self._end_of_log()}")

    async def request(
        self, command: str, params: Mapping[str, Any] | None = None, timeout_s: float = _REQUEST_TIMEOUT_S
    ) -> Mapping[str, Any]:
        """Send a request and return the answer; :class:`RuntimeError` if the process refuses, is gone or is silent."""
        number = next(self._ids)
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._write({"id": number, "command": command, "params": params or {}})
            message = await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            raise ProcessSilent(f"the {self.package} process has not answered for {timeout_s:g} s") from None
        finally:
            self._waiting.pop(number, None)
        if "error" in message:
            raise RuntimeError(message["error"])
        result: Mapping[str, Any] = message["result"]
        return result

    async def stop(self) -> None:
        """Ask the process to end, then send SIGTERM, then SIGKILL, always by its id."""
        self.ending = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(RuntimeError, ConnectionError):
            self._write({"id": 0, "command": "stop"})
        for end in (None, process.terminate, process.kill):
            with contextlib.suppress(ProcessLookupError):
                if end is not None:
                    end()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
                break
        if self._reading is not None:
            await self._reading

    async def kill(self) -> None:
        """End it like a crash; returns when it is gone."""
        self.ending = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself in the meantime
                os.killpg(self._process.pid, signal.SIGKILL)  # processes that it started are in its group
            await self._process.wait()
        if self._reading is not None:
            await asyncio.wait({self._reading})  # the reader must not read from the next process

    def _write(self, message: Mapping[str, Any]) -> None:
        if self._process is None or self._process.stdin is None or self._process.returncode is not None:
            raise ProcessGone(f"the {self.package} process is not running")
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            message = json.loads(line)
            if message.get("event") == "ready":
                self.ready = message["data"]
                self._became_ready.set()
            elif "event" in message:
                self._on_event(self, message["event"], message["data"])
            elif (waiting := self._waiting.get(message["id"])) is not None and not waiting.done():
                waiting.set_result(message)
        exit_status = await process.wait()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ProcessGone(f"the {self.package} process ended: {self._end_of_log()}"))
        if not self.ending and self._became_ready.is_set():
            self._on_event(self, "ended", {"exit_status": exit_status, "log": self._end_of_log()})

    def _end_of_log(self) -> str:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " | ".join(lines[-_LOG_LINES_SHOWN:]) or "its log is empty"
