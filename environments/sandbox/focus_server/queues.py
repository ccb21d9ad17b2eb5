"""The queues of investigations in the broker: each has two while its job exists (docs/facts/kubernetes.md 3).

A separate thread talks to the broker, so that no opening waits for it. While the broker is unavailable, pending
creations and deletions are kept and done when it is back.
"""

from __future__ import annotations

import contextlib
import logging
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
_DECLARE, _DELETE = "declare", "delete"


class JobQueues:
    """``folder`` keeps the queue names of each open job across restarts. ``access`` is None without a broker."""

    def __init__(self, access: Mapping[str, Any] | None, folder: Path, log: logging.Logger) -> None:
        self._access, self._folder, self._log = access, folder, log
        self._wanted: dict[str, str] = {}
        self._changed = threading.Condition()
        self._connection: BlockingConnection | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="queues", daemon=True)

    def start(self, open_jobs: Iterable[str]) -> None:
        """Start the thread, and remove the queues of jobs that have ended meanwhile."""
        if self._access is None:
            return
        self._folder.mkdir(exist_ok=True)
        kept = set(open_jobs)
        for file in self._folder.iterdir():
            if file.name not in kept:
                self.gone(file.name)
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # an unavailable broker is not an error of this server
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        with self._changed:
            self._changed.notify()

    def opened(self, job_id: str) -> None:
        if self._access is None:
            return
        names = (f"grpc-job-{job_id}-{time.time():.6f}", f"focus_baby.{job_id}")
        (self._folder / job_id).write_text("\n".join(names), encoding="utf-8")
        for name in names:
            self._want(name, _DECLARE)

    def gone(self, job_id: str) -> None:
        """Remove the queues of a job that is gone; a job without queues is ignored."""
        file = self._folder / job_id
        if self._access is not None and file.is_file():
            for name in self.to_delete(file.read_text(encoding="utf-8").split("\n")):
                self._want(name, _DELETE)
            file.unlink()

    @hook("queues.delete")
    def to_delete(self, names: list[str]) -> list[str]:
        """The queues of an ended job that are to be deleted."""
        return names

    def _want(self, name: str, action: str) -> None:
        """Request an action. Skip queues that were never created: a broker that starts late has nothing to delete."""
        with self._changed:
            if action == _DELETE and self._wanted.get(name) == _DECLARE:
                del self._wanted[name]
            else:
                self._wanted[name] = action
            self._changed.notify()

    def _work(self) -> None:
        while not self._ending.is_set():
            task = self._next()
            if task is None:
                self._keep_alive()
            elif not self._done(*task):
                self._ending.wait(_AGAIN_AFTER_S)
        self._hang_up()

    def _next(self) -> tuple[str, str] | None:
        """The oldest request, or None if none arrives for a while."""
        with self._changed:
            if not self._wanted and not self._ending.is_set():
                self._changed.wait(_KEEPALIVE_S)
            name = next(iter(self._wanted), None)
            return None if name is None else (name, self._wanted.pop(name))

    def _done(self, name: str, action: str) -> bool:
        """Carry out a request; return whether the broker did. A failed request stays, unless there is a newer one."""
        from pika.exceptions import AMQPError

        try:
            channel = self._connected().channel()
            if action == _DECLARE:
                channel.queue_declare(name, auto_delete=False, durable=False)
            else:
                channel.queue_delete(name)
            channel.close()
        except (AMQPError, OSError):
            self._connection = None
            with self._changed:
                self._wanted.setdefault(name, action)
            return False
        return True

    def _keep_alive(self) -> None:
        from pika.exceptions import AMQPError

        try:
            if self._connection is not None:
                self._connection.process_data_events(0)
        except (AMQPError, OSError):
            self._connection = None

    def _hang_up(self) -> None:
        from pika.exceptions import AMQPError

        with contextlib.suppress(AMQPError, OSError):  # the broker may have ended first
            if self._connection is not None and self._connection.is_open:
                self._connection.close()

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
