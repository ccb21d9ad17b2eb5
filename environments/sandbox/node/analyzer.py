"""The program of a grpc job: opens its port, plays its window and ends."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime

from environments.sandbox.node.job_port import Stream
from environments.sandbox.node.programs import Container, Host

PORT_OPENS_AFTER_S = 7.0
MESSAGE_EVERY_S = 10.0
DEFAULT_PORT = 5000
_TIME_FORMAT = "%Y-%m-%d:%H:%M:%S"
_BUSY_M, _IDLE_M = (245, 256), (1, 4)
COMMAND_NOT_FOUND = 127


class Unknown:
    """A command that the image does not have."""

    def __init__(self, container: Container, words: list[str]) -> None:
        self._container, self._words = container, words

    async def run(self) -> int:
        command = " ".join(self._words) or "no command"
        self._container.log.write(f"{command}: the sandbox runs baby_analyzer only", level="ERROR", source="sh")
        return COMMAND_NOT_FOUND

    def usage(self) -> tuple[int, int]:
        return (0, 0)


class Analyzer:
    """``python -m baby_analyzer``: a live job runs until it is stopped or no longer consumed, a historic job until its
    window is played."""

    def __init__(self, host: Host, container: Container, words: list[str]) -> None:
        self._host, self._container, self._words = host, container, words
        ports = container.spec.get("ports") or [{}]
        self._endpoint = (container.address, int(ports[0].get("containerPort", DEFAULT_PORT)))
        self._clients: set[asyncio.BaseTransport] = set()
        self._consumed_at_s = 0.0

    async def run(self) -> int:
        self._log(f"command: {' '.join(self._words)}", "loading configuration from /home/prisma/pz/config")
        if self._host.fault("job-crashes"):
            self._log("Traceback (most recent call last):", "RuntimeError: cannot initialise the GPU", level="ERROR")
            return 1
        try:
            window_s = self._window_s()
        except ValueError as error:
            self._log(f"cannot read the window: {error}", level="ERROR")
            return 2
        await asyncio.sleep(self._host.scaled(PORT_OPENS_AFTER_S))
        try:
            if not self._host.fault("job-port-not-open"):
                await self._host.network.listen(self._endpoint, self._stream)
                self._log(f"gRPC server listens on port {self._endpoint[1]}")
            await self._play(window_s)
        except OSError as error:
            self._log(f"cannot listen on port {self._endpoint[1]}: {error}", level="ERROR")
            return 1
        finally:
            self._close()
        self._log("end of data, shutting down")
        return 0

    def usage(self) -> tuple[int, int]:
        low, high = _BUSY_M if self._clients else _IDLE_M
        return random.randrange(low, high), random.randrange(380, 420)

    def connected(self, client: asyncio.BaseTransport) -> None:
        self._clients.add(client)
        self._log(f"client connected ({len(self._clients)} now)")

    def disconnected(self, client: asyncio.BaseTransport) -> None:
        if client in self._clients:
            self._clients.discard(client)
            self._log(f"client disconnected ({len(self._clients)} now)")

    async def _play(self, window_s: float | None) -> None:
        if window_s is None:
            self._log("processing live data")
            await self._until_nobody_consumes()
        else:
            self._log(f"playing {window_s:.0f} s of recorded data")
            await asyncio.sleep(self._host.scaled(window_s))

    async def _until_nobody_consumes(self) -> None:
        """Return once no client has consumed the stream for the keepalive time; without a keepalive, never return."""
        keepalive_s = self._host.live_keepalive_s
        if not keepalive_s:
            await asyncio.Event().wait()
        self._consumed()
        while (left_s := self._consumed_at_s + self._host.scaled(keepalive_s) - self._now_s()) > 0:
            await asyncio.sleep(left_s)
        self._log(f"no client has consumed the stream for {keepalive_s:g} s")

    def _stream(self) -> Stream:
        return Stream(self.connected, self.disconnected, self._consumed, self._host.scaled(MESSAGE_EVERY_S))

    def _consumed(self) -> None:
        self._consumed_at_s = self._now_s()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

    def _window_s(self) -> float | None:
        """Length of the recorded window in seconds; None for a live job. Raises ValueError if it cannot be parsed."""
        if "--time-start" not in self._words or "--time-end" not in self._words:
            return None
        start, end = (self._time_after(flag) for flag in ("--time-start", "--time-end"))
        return max(0.0, (end - start).total_seconds())

    def _time_after(self, flag: str) -> datetime:
        position = self._words.index(flag) + 1
        if position >= len(self._words):
            raise ValueError(f"{flag} without a time")
        return datetime.strptime(self._words[position], _TIME_FORMAT)

    def _close(self) -> None:
        self._host.network.close(self._endpoint)
        clients, self._clients = self._clients, set()
        for client in clients:
            client.close()

    def _log(self, *lines: str, level: str = "INFO") -> None:
        if not self._host.fault("no-pod-logs"):
            self._container.log.write(*lines, level=level)
