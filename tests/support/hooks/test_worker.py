"""The end of a process that runs scenarios beside others."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from support.hooks.signals import terminated_like_interrupted
from support.hooks.worker import Farewell, WorkerOutcome, serve


def served(connection: Connection) -> None:
    """Serve as in a run, in which SIGTERM ends a scenario like Ctrl-C, and get a SIGTERM while cleaning up."""

    def connect(run_file: Path | None, shift: int) -> None: ...

    def run(number: int) -> WorkerOutcome:
        raise AssertionError(f"nobody asked for scenario {number}")

    def farewell() -> tuple[list[tuple[str, float]], list[str]]:
        os.kill(os.getpid(), signal.SIGTERM)
        return [("GET /ack", 0.1)], ["job 1-7"]

    with terminated_like_interrupted():
        serve(connection, connect, run, farewell)


def test_an_interruption_does_not_cut_off_the_clean_up() -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=served, args=(theirs,))
    process.start()
    theirs.close()
    ours.send((None, 0))
    ours.send(None)
    answer = ours.recv()
    process.join(60)
    assert isinstance(answer, Farewell) and process.exitcode == 0
    assert answer.requests == [("GET /ack", 0.1)]
    assert [str(one) for one in answer.troubles] == ["side by side: could not be removed: job 1-7"]
