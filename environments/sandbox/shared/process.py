"""The base class of the sandbox's processes, with the private line to the supervisor.

A process is started as ``python -m environments.sandbox.<package>``. The supervisor writes one JSON object per line to
its standard input and reads one per line from its standard output; standard error is the log of the process. The first
line is the configuration. If the line breaks because the supervisor has ended in any way, the process ends too and
removes the run directory, so that nothing is left behind.

Requests:  {"id": 7, "command": "set_faults", "params": {...}}
Answers:   {"id": 7, "result": {...}}  or  {"id": 7, "error": "one sentence"}
Messages:  {"event": "ready", "data": {...}}, and whatever a process emits for the supervisor to pass on
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from environments.sandbox.shared.bad_requests import log_in_one_line
from environments.sandbox.shared.clock import GivenTimeLoop
from environments.sandbox.shared.defects import end_on_defect

MAX_LINE_BYTES = 64 * 1024 * 1024
_NEW_OBJECTS = 20_000


class CommandError(Exception):
    """The supervisor requested something this process cannot do; the text is the answer."""


class SandboxProcess:
    """One supervised part of the sandbox.

    Subclasses override :meth:`start` and :meth:`stop`, and other methods as needed. ``config`` is the JSON object sent
    by the supervisor; ``faults`` holds the ids of the faults that are switched on, out of ``fault_ids``: all faults
    that this process implements.
    """

    name = "process"
    fault_ids: frozenset[str] = frozenset()

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.faults: frozenset[str] = self.fault_ids & frozenset(config.get("faults", ()))
        self.time_scale = float(config["settings"]["time_scale"])
        self.log = logging.getLogger(self.name)
        self._emitted: asyncio.Queue[str] = asyncio.Queue()

    async def start(self) -> Mapping[str, Any]:
        """Bind and start to serve; return once a client would be answered."""
        return {}

    async def stop(self) -> None:
        """Close what :meth:`start` opened."""

    async def reset(self) -> None:
        """Return to the state right after :meth:`start`."""

    async def state(self) -> Mapping[str, Any]:
        """Current facts about this process, for ``GET /state``."""
        return {}

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        """React to a change of ``self.faults``, for faults that need an action and not only a different answer."""

    async def command(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request specific to this process; unknown ones are refused."""
        raise CommandError(f"{self.name} knows no command {name!r}")

    def fault(self, fault_id: str) -> bool:
        """Whether this fault is switched on. An id that is not in ``fault_ids`` is a defect of the code: KeyError."""
        if fault_id not in self.fault_ids:
            raise KeyError(f"{self.name} implements no fault {fault_id}")
        return fault_id in self.faults

    def scaled(self, seconds: float) -> float:
        """Convert a documented duration of the real system to sandbox seconds."""
        return seconds * self.time_scale

    def emit(self, event: str, data: Mapping[str, Any]) -> None:
        """Send the supervisor a message that it did not request."""
        self._emitted.put_nowait(json.dumps({"event": event, "data": data}))

    async def set_faults(self, wanted: Iterable[str]) -> None:
        before, self.faults = self.faults, frozenset(wanted)
        await self.faults_changed(self.faults - before, before - self.faults)

    async def _answer(self, request: Mapping[str, Any]) -> str:
        command, params = str(request["command"]), request.get("params", {})
        try:
            if command == "set_faults":
                await self.set_faults(params["active"])
                result: Mapping[str, Any] = {}
            elif command == "reset":
                await self.reset()
                result = {}
            elif command == "state":
                result = {**await self.state(), "process": _own_use()}
            else:
                result = await self.command(command, params)
        except CommandError as error:
            return json.dumps({"id": request["id"], "error": str(error)})
        return json.dumps({"id": request["id"], "result": result})

    async def _write_messages(self) -> None:
        while True:
            line = await self._emitted.get()
            try:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            except BrokenPipeError:
                return

    async def _answer_later(self, request: Mapping[str, Any]) -> None:
        self._emitted.put_nowait(await self._answer(request))

    async def serve(self, requests: asyncio.StreamReader) -> None:
        """Serve until the supervisor closes the line or sends ``stop``."""
        writing = asyncio.create_task(self._write_messages())
        running: set[asyncio.Task[None]] = set()
        try:
            self.emit("ready", {**await self.start(), "faults": sorted(self.fault_ids)})
            while line := await requests.readline():
                request = json.loads(line)
                if request["command"] == "stop":
                    return
                task = asyncio.create_task(self._answer_later(request))
                running.add(task)
                task.add_done_callback(running.discard)
                task.add_done_callback(end_on_defect)
            self.log.warning("the supervisor is gone; ending")
            shutil.rmtree(self.config["run_dir"], ignore_errors=True)
        finally:
            await self.stop()
            writing.cancel()


def _own_use() -> dict[str, int]:
    """Resources that this process holds. ``resident_mib`` is its memory in RAM; outside Linux, its peak."""
    return {
        "tasks": len(asyncio.all_tasks()),
        "open_files": sum(1 for _ in Path("/dev/fd").iterdir()),
        "resident_mib": _resident_bytes() // 2**20,
    }


def _resident_bytes() -> int:
    if sys.platform == "linux":
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS reports bytes


async def _run(make: Callable[[Mapping[str, Any]], SandboxProcess]) -> None:
    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    config = json.loads(await requests.readline())
    process = make(config)
    serving = asyncio.create_task(process.serve(requests))
    loop.add_signal_handler(signal.SIGTERM, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        process.log.info("ended by SIGTERM")


def _collect_garbage() -> None:
    """Collect garbage, which a fork of the supervisor does not: subprocess switches that off before it forks.

    What is loaded by now is never searched, and the rest less often than by default (after 700 new objects).
    """
    gc.enable()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def main(make: Callable[[Mapping[str, Any]], SandboxProcess]) -> None:
    """Run the process that ``make`` builds from its configuration. Ctrl-C is left to the supervisor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    log_in_one_line()
    _collect_garbage()
    with asyncio.Runner(loop_factory=GivenTimeLoop) as runner:
        runner.run(_run(make))
