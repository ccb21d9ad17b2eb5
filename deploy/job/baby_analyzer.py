"""``python -m baby_analyzer``: runs in the image of a job on a real cluster, in place of the product.

It listens on port 5000 and discards what clients send. With ``--time-start`` and ``--time-end`` it ends after the
length of that window; without them it runs until it is stopped. Port 5001 answers with the current number of clients,
so that the clean-up job can detect that none is connected. Standard library only; durations are those of real systems.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

STREAM_PORT, COUNT_PORT = 5000, 5001
_TIME_FORMAT = "%Y-%m-%d:%H:%M:%S"


class Listener:
    """Counts the connected clients."""

    def __init__(self) -> None:
        self.clients = 0

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        print(f"client connected ({self.clients} now)", flush=True)
        try:
            while await reader.read(65536):
                pass
        except ConnectionError as error:
            print(f"client lost: {error}", flush=True)
        finally:
            self.clients -= 1
            writer.close()
            print(f"client disconnected ({self.clients} now)", flush=True)

    async def count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = str(self.clients).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()


def window_s(words: Sequence[str]) -> float | None:
    """Return the length of the window, None for a live job. Raises :class:`ValueError` or :class:`IndexError`."""
    if "--time-start" not in words or "--time-end" not in words:
        return None
    start, end = (
        datetime.strptime(words[words.index(flag) + 1], _TIME_FORMAT) for flag in ("--time-start", "--time-end")
    )
    return max(0.0, (end - start).total_seconds())


async def main(words: Sequence[str], host: str = "", ports: tuple[int, int] = (STREAM_PORT, COUNT_PORT)) -> int:
    try:
        length_s = window_s(words)
    except (ValueError, IndexError) as error:
        print(f"cannot read the window: {error}", file=sys.stderr, flush=True)
        return 2
    listener, stopped = Listener(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    both = [
        await asyncio.start_server(serve, host, port)
        for serve, port in zip((listener.stream, listener.count), ports, strict=True)
    ]
    stream, count = (server.sockets[0].getsockname()[1] for server in both)
    print(f"gRPC server listens on port {stream}, its clients are counted on port {count}", flush=True)
    try:
        await asyncio.wait_for(stopped.wait(), length_s)
    except TimeoutError:
        print("end of data, shutting down", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
