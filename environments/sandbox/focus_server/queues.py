"""The queues of investigations at the broker: each has two while its job exists (docs/facts/kubernetes.md 3).

A thread of its own talks to the broker, so that no opening waits for it: while the broker is away, what is to be made
and removed there is kept, and done when it is back.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.sandbox.focus_server.hooks import hook

if TYPE_CHECKING:
    from pika import BlockingConnection

_AGAIN_AFTER_S = 0.2
_KEEPALIVE_S = 5.0


class JobQueues:
    """``folder`` keeps the names of the queues of each open job over restarts. ``access`` is None without a broker."""

    def __init__(self, access: Mapping[str, Any] | None, folder: Path, log: logging.Logger) -> None:
        self._access, self._folder, self._log = access, folder, log
        self._wanted: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._connection: BlockingConnection | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="queues", daemon=True)

    def start(self, open_jobs: Iterable[str]) -> None:
        """Connect when the broker is there; remove what belongs to jobs that ended meanwhile."""
        if self._access is None:
            return
        self._folder.mkdir(exist_ok=True)
        kept = set(open_jobs)
        for file in self._folder.iterdir():
            if file.name not in kept:
                self.gone(file.name)
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # a broker that is away is no error of this server
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._wanted.put(None)

    def opened(self, job_id: str) -> None:
        if self._access is None:
            return
        names = (f"grpc-job-{job_id}-{time.time():.6f}", f"focus_baby.{job_id}")
        (self._folder / job_id).write_text("\n".join(names), encoding="utf-8")
        for name in names:
            self._wanted.put(("declare", name))

    def gone(self, job_id: str) -> None:
        """The job is gone; nothing happens when it had no queues."""
        file = self._folder / job_id
        if self._access is not None and file.is_file():
            for name in self.to_delete(file.read_text(encoding="utf-8").split("\n")):
                self._wanted.put(("delete", name))
            file.unlink()

    @hook("queues.delete")
    def to_delete(self, names: list[str]) -> list[str]:
        """Of the queues of a job that is gone, those that go with it."""
        return names

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                task = self._wanted.get(timeout=_KEEPALIVE_S)
            except queue.Empty:
                self._keep_alive()
                continue
            if task is not None:
                self._do(*task)
        if self._connection is not None and self._connection.is_open:
            self._connection.close()

    def _do(self, action: str, name: str) -> None:
        """Until it is done: a broker that is away is waited for."""
        from pika.exceptions import AMQPError

        while not self._ending.is_set():
            try:
                channel = self._connected().channel()
                if action == "declare":
                    channel.queue_declare(name, auto_delete=False, durable=False)
                else:
                    channel.queue_delete(name)
                channel.close()
                return
            except (AMQPError, OSError):
                self._connection = None
                self._ending.wait(_AGAIN_AFTER_S)

    def _keep_alive(self) -> None:
        from pika.exceptions import AMQPError

        try:
            self._connected().process_data_events(0)
        except (AMQPError, OSError):
            self._connection = None

    def _connected(self) -> BlockingConnection:
        from pika import BlockingConnection, ConnectionParameters, PlainCredentials

        if self._connection is None or not self._connection.is_open:
            assert self._access is not None
            access = self._access
            self._connection = BlockingConnection(
                ConnectionParameters(
                    access["host"],
                    int(access["port"]),
                    access["vhost"],
                    PlainCredentials(access["user"], access["password"]),
                    socket_timeout=2,
                    blocked_connection_timeout=2,
                )
            )
            self._log.info("connected to RabbitMQ")
        return self._connection
